import assert from "node:assert/strict";
import { test } from "node:test";
import { Retries } from "./retries.ts";

test("the first tries follow quickly, and later ones are half a minute apart", () => {
  const retries = new Retries();
  const waits = Array.from({ length: 11 }, () => retries.next());
  assert.deepEqual(waits.slice(0, 4), [1000, 2000, 4000, 8000]);
  assert.deepEqual(waits.slice(-2), [30_000, 30_000]);
  retries.reset();
  assert.equal(retries.next(), 1000);
});
