// The buckets of a histogram as parts of a width, and the range of time that a drag selects.

export interface Buckets {
  fromMs: number;
  bucketMs: number;
  counts: readonly number[];
}

export interface Selection {
  first: number;
  last: number;
}

/** Return the bucket at a part of the width, from 0 to 1; beyond them the nearest. */
export function bucketAt(buckets: Buckets, part: number): number {
  const index = Math.floor(part * buckets.counts.length);
  return Math.max(0, Math.min(index, buckets.counts.length - 1));
}

/** Return the selection between two buckets, in the order of time. */
export function selectionOf(start: number, end: number): Selection {
  return { first: Math.min(start, end), last: Math.max(start, end) };
}

/** Return the range of a selection: from the start of its first bucket to the end of its last. */
export function rangeOfSelection(
  buckets: Buckets,
  selection: Selection,
): { fromMs: number; toMs: number } {
  const { fromMs, bucketMs } = buckets;
  return {
    fromMs: fromMs + selection.first * bucketMs,
    toMs: fromMs + (selection.last + 1) * bucketMs,
  };
}

/** Return the height of each bar as a part of the highest; a count above 0 is always visible. */
export function barHeights(counts: readonly number[]): number[] {
  const most = Math.max(...counts, 1);
  return counts.map((count) => (count === 0 ? 0 : Math.max(0.04, count / most)));
}
