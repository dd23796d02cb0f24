import assert from "node:assert/strict";
import { test } from "node:test";
import { draftOf, parametersOfDraft, rangesOf, sizeText } from "./export-draft.ts";

const FROM = "2026-11-24T00:00:00.000Z";
const TO = "2026-11-25T12:00:00.000Z";

test("a draft and its address convert into each other", () => {
  const parameters = new URLSearchParams(
    `camera=east&camera=west&camera=east&from=${FROM}&to=${TO}`,
  );
  const draft = draftOf(parameters);
  assert.deepEqual(draft.cameras, ["east", "west"]);
  assert.deepEqual(draftOf(parametersOfDraft(draft)), draft);
});

test("what is no time counts as absent", () => {
  assert.deepEqual(draftOf(new URLSearchParams("camera=&from=soon")), {
    cameras: [],
    fromMs: null,
    toMs: null,
  });
});

test("a range of more than a day is several ranges of each camera", () => {
  const draft = { cameras: ["east", "west"], fromMs: Date.parse(FROM), toMs: Date.parse(TO) };
  const ranges = rangesOf(draft);
  assert.deepEqual(
    ranges?.map((one) => [one.camera, one.from, one.to]),
    [
      ["east", FROM, "2026-11-25T00:00:00.000Z"],
      ["east", "2026-11-25T00:00:00.000Z", TO],
      ["west", FROM, "2026-11-25T00:00:00.000Z"],
      ["west", "2026-11-25T00:00:00.000Z", TO],
    ],
  );
});

test("an incomplete draft has no ranges", () => {
  const complete = { cameras: ["east"], fromMs: 0, toMs: 1 };
  assert.equal(rangesOf(complete)?.length, 1);
  assert.equal(rangesOf({ ...complete, cameras: [] }), null);
  assert.equal(rangesOf({ ...complete, toMs: null }), null);
  assert.equal(rangesOf({ ...complete, toMs: 0 }), null);
});

test("a size has a unit that fits", () => {
  assert.equal(sizeText(1500), "1.5 kB");
  assert.equal(sizeText(43_000_000_000), "43 GB");
  assert.equal(sizeText(9_000_000_000_000_000), "9000 TB");
});
