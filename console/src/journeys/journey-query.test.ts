import assert from "node:assert/strict";
import { test } from "node:test";
import { parametersOf, queryOf } from "./journey-query.ts";

test("a journey and its address convert into each other", () => {
  const query = { plate: "鄂C12345", fuzzy: true, fromMs: 1_764_000_000_000, toMs: null };
  assert.deepEqual(queryOf(parametersOf(query)), query);
});
