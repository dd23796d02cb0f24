import assert from "node:assert/strict";
import { test } from "node:test";
import { distanceText, durationText, parametersOf, queryOf } from "./journey-query.ts";

test("a journey and its address convert into each other", () => {
  const query = { plate: "鄂C12345", fuzzy: true, fromMs: 1_764_000_000_000, toMs: null };
  assert.deepEqual(queryOf(parametersOf(query)), query);
});

test("durations and distances are short texts", () => {
  assert.equal(durationText(45), "0:45");
  assert.equal(durationText(3723.4), "1:02:03");
  assert.equal(durationText(-61), "-1:01");
  assert.equal(distanceText(999.4), "999 m");
  assert.equal(distanceText(9384), "9.4 km");
});
