import assert from "node:assert/strict";
import { test } from "node:test";
import { isSound, soundStep } from "./sound-sync.ts";

function ranges(...bounds: readonly (readonly [number, number])[]): TimeRanges {
  return {
    length: bounds.length,
    start: (index) => bounds[index]?.[0] ?? 0,
    end: (index) => bounds[index]?.[1] ?? 0,
  };
}

const rate = (behindS: number) => soundStep(ranges([0, 60]), 30, 30 + behindS);

test("sound follows its picture without a jump while both are near", () => {
  const found = [0, 0.02, 0.0625, -0.0625, 0.25, -0.25].map((behindS) => rate(behindS));
  assert.deepEqual(
    found.map((step) => step.rate),
    [1, 1, 1.0625, 0.9375, 1.1, 0.9],
  );
  assert.ok(found.every((step) => step.seekS === null));
});

test("sound that is farther away jumps to its picture", () => {
  assert.deepEqual(rate(0.5), { seekS: 30.5, rate: 1 });
  assert.deepEqual(rate(-2), { seekS: 28, rate: 1 });
});

test("sound that arrives later than its picture jumps to the newest", () => {
  assert.deepEqual(soundStep(ranges([0, 30]), 20, 31), { seekS: 29.9, rate: 1 });
  assert.deepEqual(soundStep(ranges([0.75, 1]), 0, 3), { seekS: 0.9, rate: 1 }, "at the start");
  assert.deepEqual(soundStep(ranges([29.95, 30]), 20, 31), { seekS: 29.95, rate: 1 });
  assert.deepEqual(
    soundStep(ranges([0, 30]), 29.8, 31),
    { seekS: null, rate: 1 },
    "it is near the newest already",
  );
});

test("sound that begins within the time of a small difference jumps to it", () => {
  assert.deepEqual(soundStep(ranges([0.25, 1]), 0, 0.28), { seekS: 0.28, rate: 1 });
});

test("sound that is ahead of a picture whose sound is gone waits for it", () => {
  assert.deepEqual(soundStep(ranges([10, 30]), 20, 5), { seekS: null, rate: 0 });
});

test("sound does not jump over a hole before its picture does", () => {
  assert.deepEqual(soundStep(ranges([0, 10], [20, 30]), 9.9, 15), { seekS: null, rate: 1 });
  assert.deepEqual(soundStep(ranges([0, 10], [20, 30]), 10, 21), { seekS: 21, rate: 1 });
});

test("sound is recognised by its first box", () => {
  const box = (name: string) => new TextEncoder().encode(`....${name}`).buffer as ArrayBuffer;
  assert.equal(isSound(box("moof")), true);
  assert.equal(isSound(box("prft")), false);
  assert.equal(isSound(new ArrayBuffer(3)), false);
});
