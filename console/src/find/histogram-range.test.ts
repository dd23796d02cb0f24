import assert from "node:assert/strict";
import { test } from "node:test";
import { barHeights, bucketAt, rangeOfSelection, selectionOf } from "./histogram-range.ts";

const BUCKETS = { fromMs: 1000, bucketMs: 100, counts: [0, 1, 200, 3] };

test("a place in the width belongs to a bucket, also beyond the ends", () => {
  assert.equal(bucketAt(BUCKETS, 0), 0);
  assert.equal(bucketAt(BUCKETS, 0.5), 2);
  assert.equal(bucketAt(BUCKETS, 1), 3);
  assert.equal(bucketAt(BUCKETS, -2), 0);
});

test("a drag in either direction selects whole buckets", () => {
  assert.deepEqual(rangeOfSelection(BUCKETS, selectionOf(2, 1)), { fromMs: 1100, toMs: 1300 });
  assert.deepEqual(rangeOfSelection(BUCKETS, selectionOf(3, 3)), { fromMs: 1300, toMs: 1400 });
});

test("a small count stays visible", () => {
  assert.deepEqual(barHeights(BUCKETS.counts), [0, 0.04, 1, 0.04]);
  assert.deepEqual(barHeights([0, 0]), [0, 0]);
});
