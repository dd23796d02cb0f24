// The facts of an event in words, as cards, table and dialog show them.
import type { EventView, MatchView } from "../api/client.ts";
import type { Texts } from "../texts/en.ts";

/** Return how certain the reading is, in percent; for a face the detection. */
export function confidencePercent(event: EventView): number {
  return Math.round(100 * (event.plate?.confidence ?? event.confidence));
}

/** Return direction, lane and crossed lines, as far as they are known. */
export function wayOf(event: EventView, texts: Texts): string {
  const parts = [
    event.direction === null ? "" : texts.find.directions[event.direction],
    event.lane === null ? "" : texts.find.lane(event.lane),
    // The sign of a line's number is the side from which the vehicle crossed it.
    ...event.crossed.map((line) => texts.find.crossed(Math.abs(line), line > 0)),
  ];
  return parts.filter(Boolean).join(texts.list);
}

/** Return whether the event has or will have a clip, and whether it was found late. */
export function clipText(event: EventView, texts: Texts): string {
  return event.late
    ? `${texts.find.late}${texts.list}${clipState(event, texts)}`
    : clipState(event, texts);
}

function clipState(event: EventView, texts: Texts): string {
  if (event.clip_ready) return texts.find.clipReady;
  return event.clip_missing === null ? texts.find.clipSoon : texts.find.clipNever;
}

/** Return how the event matches the plate of a search with misreadings; empty if it is exact. */
export function tieText(match: MatchView | null, texts: Texts): string {
  return match === null || match.tie === "exact" ? "" : texts.find.ties[match.tie];
}
