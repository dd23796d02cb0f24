import assert from "node:assert/strict";
import { test } from "node:test";
import { isBuffered, isSound, soundRate } from "./sound-sync.ts";

test("sound follows its picture without a jump while both are near", () => {
  assert.equal(soundRate(0), 1);
  assert.equal(soundRate(0.02), 1);
  assert.equal(soundRate(0.05), 1.05);
  assert.equal(soundRate(-0.05), 0.95);
  assert.equal(soundRate(0.25), 1.1);
  assert.equal(soundRate(-0.25), 0.9);
  assert.equal(soundRate(0.31), null);
  assert.equal(soundRate(-2), null);
});

test("sound is recognised by its first box", () => {
  const box = (name: string) => new TextEncoder().encode(`....${name}`).buffer as ArrayBuffer;
  assert.equal(isSound(box("moof")), true);
  assert.equal(isSound(box("prft")), false);
  assert.equal(isSound(new ArrayBuffer(3)), false);
});

test("a hole in the sound is not buffered", () => {
  const bounds = [
    [1, 2],
    [3, 4],
  ] as const;
  const ranges: TimeRanges = {
    length: bounds.length,
    start: (index) => bounds[index]?.[0] ?? 0,
    end: (index) => bounds[index]?.[1] ?? 0,
  };
  assert.deepEqual(
    [0.9, 1, 2, 3.5, 4].map((timeS) => isBuffered(ranges, timeS)),
    [false, true, false, true, false],
  );
});
