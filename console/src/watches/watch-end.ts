// How long a watch lasts, and the search for what it has found. Pure.

/** The durations that the form offers, in days. A site may allow less, and says so. */
export const DURATIONS = [1, 7, 30, 90] as const;
export type Duration = (typeof DURATIONS)[number];

const DAY_MS = 86_400_000;
const SECOND_MS = 1000;

/** Return when a watch ends that is placed now, in full seconds. */
export function endOf(days: Duration, nowMs: number): string {
  // The clock of this browser may be ahead of the server's, which allows a whole duration at most.
  const endMs = nowMs + days * DAY_MS - 60 * SECOND_MS;
  return new Date(Math.floor(endMs / SECOND_MS) * SECOND_MS).toISOString();
}

interface Watched {
  plate: string;
  fuzzy: boolean;
  placed_at: string;
}

/** Return the parameters of the search for the passings since a watch was placed. */
export function passingsOf({ plate, fuzzy, placed_at: from }: Watched): URLSearchParams {
  return new URLSearchParams({ plate, from, ...(fuzzy ? { fuzzy: "1" } : {}) });
}
