// Which legal holds protect a range of some cameras now. Pure.
import type { Recorded } from "./coverage.ts";

/** What a hold of the API has of these. */
export interface HoldOfRange {
  id: string;
  camera: string | null;
  from: string;
  to: string;
  until: string | null;
  released_at: string | null;
}

/**
 * Return the holds in force that protect a part of the range, in the order of their starts.
 *
 * `placed` are those that were just placed, which the list may not have yet.
 */
export function holdsInForce<Hold extends HoldOfRange>(
  listed: readonly Hold[],
  placed: readonly Hold[],
  cameras: readonly string[],
  range: Recorded,
  nowMs: number,
): Hold[] {
  const known = new Set(listed.map(({ id }) => id));
  return [...listed, ...placed.filter(({ id }) => !known.has(id))]
    .filter((hold) => {
      const hasEnded =
        hold.released_at !== null || (hold.until !== null && Date.parse(hold.until) <= nowMs);
      const isInRange = Date.parse(hold.from) < range.toMs && Date.parse(hold.to) > range.fromMs;
      return !hasEnded && isInRange && hold.camera !== null && cameras.includes(hold.camera);
    })
    .sort((one, other) => Date.parse(one.from) - Date.parse(other.from));
}

/** Return whether one hold protects the whole range of a camera until it is released. */
export function isKept(holds: readonly HoldOfRange[], camera: string, range: Recorded): boolean {
  return holds.some(
    (hold) =>
      hold.camera === camera &&
      hold.until === null &&
      Date.parse(hold.from) <= range.fromMs &&
      Date.parse(hold.to) >= range.toMs,
  );
}
