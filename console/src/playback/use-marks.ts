// The events of the shown cameras: marks on the time line, and the next or previous one.
import { useEffect, useState } from "preact/hooks";
import { api, type EventView, result, type Schemas } from "../api/client.ts";
import { type Failure, failureOf, isAborted } from "../api/problem.ts";
import type { TimeWindow } from "./time-window.ts";

export interface Marks {
  events: readonly EventView[];
  /** Whether there are more events in the window than are marked. */
  hasMore: boolean;
  failure: Failure | null;
}

const NO_MARKS: Marks = { events: [], hasMore: false, failure: null };
const MAX_MARKS = 500;
/** Each search is in the audit log, so it waits until the window rests. */
const SETTLED_AFTER_MS = 600;

/** Read the events of cameras in a window, unless an earlier answer has all of them. */
export function useMarks(cameras: readonly string[], window: TimeWindow, isOn: boolean): Marks {
  const [read, setRead] = useState<{ key: string; window: TimeWindow; marks: Marks } | null>(null);
  const key = cameras.join(",");
  const isKnown =
    read !== null &&
    read.key === key &&
    (!read.marks.hasMore || read.window === window) &&
    read.window.fromMs <= window.fromMs &&
    window.toMs <= read.window.toMs;
  const { fromMs, toMs } = window;
  useEffect(() => {
    if (!isOn || isKnown || key === "") return undefined;
    const ending = new AbortController();
    const timer = setTimeout(() => {
      const asked = { fromMs, toMs };
      readMarks(key.split(","), asked, ending.signal).then(
        (marks) => setRead({ key, window: asked, marks }),
        (error: unknown) => {
          if (isAborted(error)) return;
          setRead({ key, window: asked, marks: { ...NO_MARKS, failure: failureOf(error) } });
        },
      );
    }, SETTLED_AFTER_MS);
    return () => {
      clearTimeout(timer);
      ending.abort();
    };
  }, [isOn, isKnown, key, fromMs, toMs]);
  return read?.key === key ? read.marks : NO_MARKS;
}

async function readMarks(
  cameras: readonly string[],
  window: TimeWindow,
  signal: AbortSignal,
): Promise<Marks> {
  const range = { from: textOf(window.fromMs), to: textOf(window.toMs) };
  const pages = await Promise.all(
    cameras.map((camera) => {
      const query = { ...range, camera, limit: MAX_MARKS };
      return readEvents(query, signal);
    }),
  );
  return {
    events: pages.flatMap((page) => page.items),
    hasMore: pages.some((page) => page.next !== null),
    failure: null,
  };
}

/** Return the first event after a moment, or the last one before it, of any of the cameras. */
export async function neighbour(
  cameras: readonly string[],
  atMs: number,
  direction: 1 | -1,
): Promise<EventView | null> {
  const near =
    direction === 1
      ? { from: textOf(atMs + 1), order: "oldest" as const }
      : { to: textOf(atMs), order: "newest" as const };
  const pages = await Promise.all(
    cameras.map((camera) => readEvents({ ...near, camera, limit: 1 }, null)),
  );
  return nearest(
    pages.flatMap((page) => page.items),
    atMs,
  );
}

/** Return the event that starts nearest to a moment; null without events. */
export function nearest<Event extends { started_at: string }>(
  events: readonly Event[],
  atMs: number,
): Event | null {
  const distance = (event: Event) => Math.abs(Date.parse(event.started_at) - atMs);
  return events.reduce<Event | null>(
    (best, event) => (best === null || distance(event) < distance(best) ? event : best),
    null,
  );
}

interface EventsQuery {
  camera: string;
  limit: number;
  from?: string;
  to?: string;
  order?: "oldest" | "newest";
}

function readEvents(query: EventsQuery, signal: AbortSignal | null): Promise<Schemas["EventList"]> {
  return result(
    api.GET("/v1/events", { params: { query }, ...(signal === null ? {} : { signal }) }),
  );
}

function textOf(atMs: number): string {
  return new Date(Math.floor(atMs)).toISOString();
}
