import assert from "node:assert/strict";
import { test } from "node:test";
import { columnsOf, neighbour } from "./grid.ts";

test("as many cards stand side by side as fit, and one at least", () => {
  assert.equal(columnsOf(1000, 240, 12), 4);
  assert.equal(columnsOf(996, 240, 12), 4);
  assert.equal(columnsOf(995, 240, 12), 3);
  assert.equal(columnsOf(100, 240, 12), 1);
});

test("arrow keys lead to the next card in their direction, and stop at the edge", () => {
  assert.equal(neighbour("ArrowRight", 0, 10, 4), 1);
  assert.equal(neighbour("ArrowDown", 1, 10, 4), 5);
  assert.equal(neighbour("ArrowDown", 8, 10, 4), 8);
  assert.equal(neighbour("ArrowUp", 1, 10, 4), 1);
  assert.equal(neighbour("End", 1, 10, 4), 9);
  assert.equal(neighbour("a", 1, 10, 4), null);
});
