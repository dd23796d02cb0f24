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

/** The hours of the ranges that are a part of a day: the end of a night is on the next day. */
export const HOURS_OF_DAY = {
  lastNight: ["20:00", "06:00"],
  yesterdayEvening: ["17:00", "24:00"],
} as const;

/** Return the hours that a preset means, such as `17:00–24:00`; empty for whole days. */
export function hoursOf(preset: Preset): string {
  return preset === "lastNight" || preset === "yesterdayEvening"
    ? HOURS_OF_DAY[preset].join("–")
    : "";
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
      return hours(HOURS_OF_DAY.lastNight, yesterday, today, zone);
    case "yesterday":
      return { fromMs: yesterday, toMs: today };
    case "yesterdayEvening":
      return hours(HOURS_OF_DAY.yesterdayEvening, yesterday, yesterday, zone);
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

/** Return the range from an hour of one day to an hour of a day. */
function hours(
  [from, to]: readonly [string, string],
  fromDayMs: number,
  toDayMs: number,
  zone: string,
): TimeRange {
  return { fromMs: atHour(fromDayMs, from, zone), toMs: atHour(toDayMs, to, zone) };
}

function atHour(dayMs: number, time: string, zone: string): number {
  if (time === "24:00") return dayStart(dayMs, 1, zone);
  return instantOf(`${wallOf(dayMs, zone).slice(0, 10)}T${time}`, zone) ?? dayMs;
}
