// Durations and distances in words. Pure.
import type { unitsInEnglish } from "../texts/en/units.ts";

type Units = typeof unitsInEnglish;

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

/** Return a duration in days, hours and minutes, or in seconds below a minute, at least one. */
export function durationText(units: Units, durationMs: number): string {
  const positiveMs = Math.abs(durationMs);
  const text = units.duration(
    Math.floor(positiveMs / DAY_MS),
    Math.floor((positiveMs % DAY_MS) / HOUR_MS),
    Math.floor((positiveMs % HOUR_MS) / MINUTE_MS),
    Math.max(1, Math.floor((positiveMs % MINUTE_MS) / SECOND_MS)),
  );
  return durationMs < 0 ? `-${text}` : text;
}

/** Return a distance in metres, or in kilometres from one on. */
export function distanceText(units: Units, metres: number): string {
  return metres < 1000
    ? units.metres(Math.round(metres))
    : units.kilometres((metres / 1000).toFixed(1));
}
