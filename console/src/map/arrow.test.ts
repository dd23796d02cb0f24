import assert from "node:assert/strict";
import { test } from "node:test";
import { arrow } from "./arrow.ts";

test("an arrow ends at the rims, and there is none between marks that touch", () => {
  assert.deepEqual(arrow({ x: 0, y: 0 }, { x: 100, y: 0 }, 10), [
    { x: 10, y: 0 },
    { x: 90, y: 0 },
  ]);
  assert.equal(arrow({ x: 0, y: 0 }, { x: 15, y: 0 }, 10), null);
});
