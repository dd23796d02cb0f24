import assert from "node:assert/strict";
import { test } from "node:test";
import { MOST_MARKS, MOST_ROWS, rowsOf } from "./result-rows.ts";

const START_MS = Date.parse("2026-11-29T09:00:00Z");

function result(camera: string, minute: number) {
  const started_at = new Date(START_MS + minute * 60_000).toISOString();
  return { event: { id: `${camera}-${minute}`, camera, started_at } };
}

test("each camera has a row, that with the most passings first", () => {
  const { rows, fromMs, toMs, left } = rowsOf([
    result("gate", 10),
    result("bridge", 5),
    result("bridge", 0),
  ]);
  assert.deepEqual(
    rows.map(({ camera, marks }) => [camera, marks.map(({ index, part }) => [index, part])]),
    [
      [
        "bridge",
        [
          [1, 0.5],
          [2, 0],
        ],
      ],
      ["gate", [[0, 1]]],
    ],
  );
  assert.deepEqual([fromMs, toMs - fromMs, left], [START_MS, 600_000, 0]);
});

test("one result is at the begin of its axis", () => {
  assert.equal(rowsOf([result("gate", 3)]).rows[0]?.marks[0]?.part, 0);
});

test("many cameras share the last row, and results beyond the limit are counted", () => {
  const many = Array.from({ length: MOST_MARKS + 5 }, (_, number) =>
    result(`camera-${number % 40}`, number),
  );
  const { rows, left } = rowsOf(many);
  assert.equal(rows.length, MOST_ROWS);
  assert.equal(rows.at(-1)?.camera, "");
  assert.equal(left, 5);
  assert.equal(
    rows.reduce((total, row) => total + row.marks.length, 0),
    MOST_MARKS,
  );
});
