// A journey as a map shows it: numbered sightings, legs with speeds, and the way in time. Pure.
import type { Schemas } from "../api/client.ts";
import { between } from "../map/arrow.ts";
import type { Leg, Mark } from "../map/map-content.ts";
import { type Place, placeOf, worldOf } from "../map/projection.ts";

type Journey = Pick<Schemas["Journey"], "sightings" | "legs">;

/** Return one mark for each camera, with the numbers of all its sightings. */
export function marksOf({ sightings }: Journey, nameOf: (camera: string) => string): Mark[] {
  const numbers = new Map<string, number[]>();
  for (const [index, { camera }] of sightings.entries()) {
    numbers.set(camera, [...(numbers.get(camera) ?? []), index + 1]);
  }
  return [...numbers].flatMap(([id, ofCamera]) => {
    const first = sightings[(ofCamera[0] ?? 1) - 1];
    if (first === undefined) return [];
    return [{ id, place: first.location, text: ofCamera.join(", "), title: nameOf(id) }];
  });
}

/** Return the legs whose both sightings are known. */
export function legsOf({ sightings, legs }: Journey, speedText: (kmh: number) => string): Leg[] {
  const places = new Map<string, Place>(sightings.map((event) => [event.id, event.location]));
  return legs.flatMap((leg) => {
    const from = places.get(leg.from_event);
    const to = places.get(leg.to_event);
    if (from === undefined || to === undefined) return [];
    const text = leg.speed_kmh === null ? "" : speedText(Math.round(leg.speed_kmh));
    return [{ from, to, isImpossible: leg.impossible, text }];
  });
}

export interface Span {
  fromMs: number;
  toMs: number;
}

/** Return the time from the first to the last sighting. */
export function spanOf({ sightings }: Journey): Span {
  const times = sightings.map((event) => Date.parse(event.best_at));
  return { fromMs: Math.min(...times), toMs: Math.max(...times) };
}

/** Return where the vehicle is at a time, on straight lines between its sightings. */
export function placeAt({ sightings }: Journey, atMs: number): Place | null {
  const seen = sightings.map((event) => ({
    atMs: Date.parse(event.best_at),
    place: event.location,
  }));
  const next = seen.findIndex((one) => one.atMs >= atMs);
  const [after, before] = [seen[next], seen[next - 1]];
  if (after === undefined) return seen.at(-1)?.place ?? null;
  if (before === undefined) return after.place;
  const part = (atMs - before.atMs) / (after.atMs - before.atMs);
  return placeOf(between(worldOf(before.place), worldOf(after.place), part));
}
