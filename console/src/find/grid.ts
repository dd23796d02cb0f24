// The places of results in rows, and where the arrow keys lead. Pure.

/** Return how many cards fit side by side into a width. */
export function columnsOf(widthPx: number, leastCardPx: number, gapPx: number): number {
  return Math.max(1, Math.floor((widthPx + gapPx) / (leastCardPx + gapPx)));
}

/** Return the result to which a key leads from another one, or null for any other key. */
export function neighbour(
  key: string,
  index: number,
  count: number,
  columns: number,
): number | null {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -columns,
    ArrowDown: columns,
  };
  if (key === "Home") return 0;
  if (key === "End") return count - 1;
  const step = steps[key];
  if (step === undefined) return null;
  const target = index + step;
  return target >= 0 && target < count ? target : index;
}
