// A range of hours as people write it, such as `3:10-3:20`, `3:10 to 3:20` or `3点10分到3点20分`. Pure.
import type { TimeRange } from "./presets.ts";
import { dayStart, instantOf, wallOf } from "./zone.ts";

const TIME = String.raw`(\d{1,2})\s*[:：点时.]\s*(\d{2})\s*分?(?:\s*[:：]?\s*(\d{2})\s*秒?)?`;
const RANGE = new RegExp(
  String.raw`^\s*${TIME}\s*(?:-|–|—|~|～|to|until|到|至)\s*${TIME}\s*$`,
  "i",
);
const DAY_MS = 86_400_000;

/**
 * Return the range that a text means: on the day of `nearMs`, or on the day before if it would
 * end after `nowMs`. An end that is before the start is on the next day. Null if it is no range.
 */
export function rangeOfText(
  text: string,
  nearMs: number,
  nowMs: number,
  zone: string,
): TimeRange | null {
  const match = RANGE.exec(text);
  if (match === null) return null;
  const [start, end] = [timeOf(match.slice(1, 4)), timeOf(match.slice(4, 7))];
  if (start === null || end === null || start === end) return null;
  const on = (days: number): TimeRange => {
    const from = instantOf(`${dayOf(nearMs, days, zone)}T${start}`, zone) ?? Number.NaN;
    const isNextDay = end < start;
    const to = instantOf(`${dayOf(nearMs, isNextDay ? days + 1 : days, zone)}T${end}`, zone);
    return { fromMs: from, toMs: to ?? Number.NaN };
  };
  const sameDay = on(0);
  return sameDay.toMs <= nowMs ? sameDay : on(-1);
}

function timeOf(parts: readonly (string | undefined)[]): string | null {
  const [hour = 0, minute = 0, second = 0] = parts.map((part) => Number(part ?? 0));
  if (hour > 23 || minute > 59 || second > 59) return null;
  return [hour, minute, second].map((part) => `${part}`.padStart(2, "0")).join(":");
}

function dayOf(nearMs: number, days: number, zone: string): string {
  return wallOf(dayStart(nearMs, days, zone) + DAY_MS / 2, zone).slice(0, 10);
}
