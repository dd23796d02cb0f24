// Ranges of time that people name in words, such as "yesterday evening".
import { dayStart, instantOf, wallOf } from "./zone.ts";

export const PRESETS = [
  "lastHour",
  "last24Hours",
  "today",
  "lastNight",
  "yesterday",
  "yesterdayEvening",
  "thisWeek",
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
    case "thisWeek":
      return { fromMs: weekStart(nowMs, zone), toMs: dayStart(nowMs, 1, zone) };
    case "last7Days":
      return { fromMs: nowMs - 7 * DAY_MS, toMs: nowMs };
    case "last30Days":
      return { fromMs: nowMs - 30 * DAY_MS, toMs: nowMs };
  }
}

/** How far the end of a range that lasts until now may be from now. */
const NOW_WITHIN_MS = 90_000;

/** Return the preset that means a range at `nowMs`; null if none does. */
export function presetOf(range: TimeRange, nowMs: number, zone: string): Preset | null {
  const found = PRESETS.find((preset) => {
    const meant = rangeOf(preset, nowMs, zone);
    if (meant.toMs !== nowMs) return meant.fromMs === range.fromMs && meant.toMs === range.toMs;
    const isSameLength = range.toMs - range.fromMs === meant.toMs - meant.fromMs;
    return isSameLength && Math.abs(nowMs - range.toMs) < NOW_WITHIN_MS;
  });
  return found ?? null;
}

/** Return the start of the week, which begins on Monday. */
function weekStart(nowMs: number, zone: string): number {
  const today = new Date(`${wallOf(nowMs, zone).slice(0, 10)}T00:00:00Z`);
  return dayStart(nowMs, -((today.getUTCDay() + 6) % 7), zone);
}

function atHour(dayMs: number, time: string, zone: string): number {
  return instantOf(`${wallOf(dayMs, zone).slice(0, 10)}T${time}`, zone) ?? dayMs;
}
