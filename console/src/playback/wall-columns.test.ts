import assert from "node:assert/strict";
import { test } from "node:test";
import { bestColumns } from "./wall-columns.ts";

test("one picture has the whole room", () => {
  assert.equal(bestColumns(1, 1334, 300), 1);
  assert.equal(bestColumns(0, 1334, 300), 1);
});

test("a low room has its pictures in one row, a high one in several", () => {
  assert.equal(bestColumns(4, 1334, 300), 4);
  assert.equal(bestColumns(4, 1888, 720), 2);
  assert.equal(bestColumns(2, 700, 900), 1);
  assert.equal(bestColumns(9, 1888, 800), 3);
});
