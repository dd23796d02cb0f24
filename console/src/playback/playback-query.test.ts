import assert from "node:assert/strict";
import { test } from "node:test";
import { MAX_CAMERAS, momentOf, parametersOf, queryOf, rangeOf } from "./playback-query.ts";

test("cameras, moment and range and their address convert into each other", () => {
  const query = {
    cameras: ["gate", "school"],
    atMs: 1_000_123,
    fromMs: 1_000_000,
    toMs: 2_000_000,
  };
  assert.deepEqual(queryOf(parametersOf(query)), query);
  assert.deepEqual(queryOf(momentOf("gate", 5_000)), {
    cameras: ["gate"],
    atMs: 5_000,
    fromMs: null,
    toMs: null,
  });
});

test("a camera is shown once, and not more cameras than fit", () => {
  const many = new URLSearchParams("camera=a&camera=a&camera=&at=never");
  assert.deepEqual(queryOf(many), { cameras: ["a"], atMs: null, fromMs: null, toMs: null });
  for (let number = 0; number < 20; number += 1) many.append("camera", `${number}`);
  assert.equal(queryOf(many).cameras.length, MAX_CAMERAS);
});

test("a range has a start before its end", () => {
  const query = { cameras: [], atMs: null, fromMs: 5, toMs: 9 };
  assert.deepEqual(rangeOf(query), { fromMs: 5, toMs: 9 });
  assert.equal(rangeOf({ ...query, toMs: 5 }), null);
  assert.equal(rangeOf({ ...query, fromMs: null }), null);
});
