// The hits of watches that were not dismissed yet. Pure.
import type { Schemas } from "../api/client.ts";
import { parametersOfWall } from "../live/wall.ts";

export type WatchMatch = Schemas["WatchMatchView"];

export interface Hits {
  /** The newest first. */
  shown: readonly WatchMatch[];
  /** Whether the feed has left out hits, for example after a long break. */
  isIncomplete: boolean;
}

export const NO_HITS: Hits = { shown: [], isIncomplete: false };
const MOST_KEPT = 200;

/** Return the hits with another one; a hit that is published again replaces its earlier form. */
export function withHit(hits: Hits, match: WatchMatch): Hits {
  const others = hits.shown.filter((one) => one.id !== match.id);
  if (others.length < hits.shown.length) {
    return { ...hits, shown: hits.shown.map((one) => (one.id === match.id ? match : one)) };
  }
  const isIncomplete = hits.isIncomplete || others.length >= MOST_KEPT;
  return { shown: [match, ...others].slice(0, MOST_KEPT), isIncomplete };
}

export function withoutHit(hits: Hits, id: string): Hits {
  return { ...hits, shown: hits.shown.filter((one) => one.id !== id) };
}

/** Return the parameters of the page that opens the passing of a hit. */
export function passingOf({ event }: WatchMatch): URLSearchParams {
  const plate = event.corrected?.text || event.plate?.text || "";
  return new URLSearchParams({ ...(plate ? { plate } : {}), event: event.id });
}

/** Return the parameters of the page that shows the camera of a hit live. */
export function liveOf({ event }: WatchMatch): URLSearchParams {
  return parametersOfWall({ size: 1, cameras: [event.camera] });
}
