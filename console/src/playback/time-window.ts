// The part of time that the time line shows: zoom, movement and labels. Pure.
import { wallOf } from "../time/zone.ts";

export interface TimeWindow {
  fromMs: number;
  toMs: number;
}

export interface Tick {
  atMs: number;
  text: string;
}

const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;
const MIN_SPAN_MS = 2 * SECOND_MS;
/** The API answers the coverage of 31 days at a time. */
export const MAX_SPAN_MS = 31 * DAY_MS;
/** Where the position is put when the window follows it. */
const LEAD = 0.1;

const STEPS_MS = [
  ...[0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30].map((seconds) => seconds * SECOND_MS),
  ...[1, 2, 5, 10, 15, 30].map((minutes) => minutes * MINUTE_MS),
  ...[1, 2, 3, 6, 12].map((hours) => hours * HOUR_MS),
  ...[1, 2, 4, 8].map((days) => days * DAY_MS),
];

export function spanOf({ fromMs, toMs }: TimeWindow): number {
  return toMs - fromMs;
}

/** Return the place of an instant as a part of the width; 0 to 1 are within the window. */
export function partOf(window: TimeWindow, atMs: number): number {
  return (atMs - window.fromMs) / spanOf(window);
}

export function instantAt(window: TimeWindow, part: number): number {
  return window.fromMs + part * spanOf(window);
}

export function windowAround(atMs: number, spanMs: number): TimeWindow {
  return { fromMs: atMs - spanMs / 2, toMs: atMs + spanMs / 2 };
}

/** Return a window of `factor` times the span, in which `aboutMs` keeps its place. */
export function zoomed(window: TimeWindow, factor: number, aboutMs: number): TimeWindow {
  const spanMs = Math.max(MIN_SPAN_MS, Math.min(spanOf(window) * factor, MAX_SPAN_MS));
  const fromMs = aboutMs - partOf(window, aboutMs) * spanMs;
  return { fromMs, toMs: fromMs + spanMs };
}

export function moved({ fromMs, toMs }: TimeWindow, byMs: number): TimeWindow {
  return { fromMs: fromMs + byMs, toMs: toMs + byMs };
}

/** Return the window, moved only if an instant is outside of it. */
export function following(window: TimeWindow, atMs: number): TimeWindow {
  const part = partOf(window, atMs);
  if (part >= 0 && part <= 1) return window;
  return moved(window, atMs - instantAt(window, LEAD));
}

/** Return the window, extended to a position, unless that is too far away to be read with it. */
export function withPosition(window: TimeWindow, atMs: number): TimeWindow {
  const both = { fromMs: Math.min(window.fromMs, atMs), toMs: Math.max(window.toMs, atMs + 1) };
  return spanOf(both) <= MAX_SPAN_MS ? both : window;
}

/** Return at most `most` labels at round times of the site's zone. */
export function ticksOf(window: TimeWindow, zone: string, most: number): Tick[] {
  const stepMs =
    STEPS_MS.find((step) => spanOf(window) / step <= most) ?? spanOf(window) / Math.max(1, most);
  const offsetMs = Date.parse(`${wallOf(window.fromMs, zone)}Z`) - secondOf(window.fromMs);
  const ticks: Tick[] = [];
  const firstStep = Math.ceil((window.fromMs + offsetMs) / stepMs);
  for (let step = firstStep; step * stepMs - offsetMs <= window.toMs; step += 1) {
    const atMs = step * stepMs - offsetMs;
    ticks.push({ atMs, text: labelOf(atMs, stepMs, zone) });
  }
  return ticks;
}

/** Return an instant in the site's zone with its milliseconds. */
export function preciseTime(atMs: number, zone: string): string {
  const wholeMs = Math.floor(atMs);
  const rest = `${wholeMs - secondOf(wholeMs)}`.padStart(3, "0");
  return `${wallOf(wholeMs, zone).replace("T", " ")}.${rest}`;
}

function labelOf(atMs: number, stepMs: number, zone: string): string {
  const [date = "", time = ""] = wallOf(atMs, zone).split("T");
  if (stepMs >= DAY_MS || (stepMs >= MINUTE_MS && time === "00:00:00")) return date.slice(5);
  if (stepMs >= MINUTE_MS) return time.slice(0, 5);
  if (stepMs >= SECOND_MS) return time;
  return `${time}.${Math.round((atMs - secondOf(atMs)) / 100)}`;
}

function secondOf(atMs: number): number {
  return Math.floor(atMs / SECOND_MS) * SECOND_MS;
}
