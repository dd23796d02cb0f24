// Ranges of time that people name in words, such as "yesterday evening".
import { dayStart, instantOf, wallOf } from "./zone.ts";

export const PRESETS = [
  "lastHour",
  "last24Hours",
  "today",
  "lastNight",
  "yesterday",
  "yesterdayEvening",
  "last7Days",
  "last30Days",
] as const;
export type Preset = (typeof PRESETS)[number];
export interface TimeRange {
  fromMs: number;
  toMs: number;
}

const HOUR_MS = 3_600_000;
const DAY_MS = 24 * HOUR_MS;

/** Return the range that a preset means at `nowMs` in the time zone of the site. */
export function rangeOf(preset: Preset, nowMs: number, zone: string): TimeRange {
  const today = dayStart(nowMs, 0, zone);
  const yesterday = dayStart(nowMs, -1, zone);
  switch (preset) {
    case "lastHour":
      return { fromMs: nowMs - HOUR_MS, toMs: nowMs };
    case "last24Hours":
      return { fromMs: nowMs - DAY_MS, toMs: nowMs };
    case "today":
      return { fromMs: today, toMs: dayStart(nowMs, 1, zone) };
    case "lastNight":
      return { fromMs: atHour(yesterday, "20:00", zone), toMs: atHour(today, "06:00", zone) };
    case "yesterday":
      return { fromMs: yesterday, toMs: today };
    case "yesterdayEvening":
      return { fromMs: atHour(yesterday, "17:00", zone), toMs: today };
    case "last7Days":
      return { fromMs: nowMs - 7 * DAY_MS, toMs: nowMs };
    case "last30Days":
      return { fromMs: nowMs - 30 * DAY_MS, toMs: nowMs };
  }
}

function atHour(dayMs: number, time: string, zone: string): number {
  return instantOf(`${wallOf(dayMs, zone).slice(0, 10)}T${time}`, zone) ?? dayMs;
}
