// A search as the address of the page has it. Names and values are those of `GET /v1/events`.
import { hasWildcard } from "./plate.ts";

export const KINDS = ["vehicle", "face"] as const;
export const CLASSES = ["A", "B", "C"] as const;
export const COLORS = ["blue", "yellow", "green", "white", "black", "unknown"] as const;
export const DIRECTIONS = ["toward", "away", "left", "right", "unknown"] as const;
export const ORDERS = ["newest", "oldest"] as const;

export interface Search {
  plate: string;
  /** Whether likely misreadings of a whole plate are found too. */
  fuzzy: boolean;
  kind: (typeof KINDS)[number] | "";
  fromMs: number | null;
  toMs: number | null;
  area: string;
  class: (typeof CLASSES)[number] | "";
  color: (typeof COLORS)[number] | "";
  camera: string;
  direction: (typeof DIRECTIONS)[number] | "";
  /** A circle as longitude, latitude and metres; empty for none. */
  near: string;
  /** The corners of a polygon; empty for none. */
  within: string;
  order: (typeof ORDERS)[number];
}

export const EMPTY_SEARCH: Search = {
  plate: "",
  fuzzy: false,
  kind: "",
  fromMs: null,
  toMs: null,
  area: "",
  class: "",
  color: "",
  camera: "",
  direction: "",
  near: "",
  within: "",
  order: "newest",
};

/** Return the search of an address. Unknown values count as absent. */
export function searchOf(parameters: URLSearchParams): Search {
  const text = (name: string) => parameters.get(name) ?? "";
  return {
    plate: text("plate"),
    fuzzy: text("fuzzy") === "1",
    kind: known(KINDS, text("kind")),
    fromMs: instant(text("from")),
    toMs: instant(text("to")),
    area: text("area"),
    class: known(CLASSES, text("class")),
    color: known(COLORS, text("color")),
    camera: text("camera"),
    direction: known(DIRECTIONS, text("direction")),
    near: text("near"),
    within: text("within"),
    order: known(ORDERS, text("order")) || "newest",
  };
}

/** Return the parameters of the address of a search, without those that filter nothing. */
export function parametersOf(search: Search): URLSearchParams {
  const parameters = new URLSearchParams(filtersOf(search));
  if (search.fuzzy && search.plate.trim()) parameters.set("fuzzy", "1");
  if (search.order !== "newest") parameters.set("order", search.order);
  return parameters;
}

/** The query of `GET /v1/events` and of the histogram. */
export interface EventFilters {
  plate?: string;
  fuzzy?: true;
  kind?: (typeof KINDS)[number];
  from?: string;
  to?: string;
  area?: string;
  class?: (typeof CLASSES)[number];
  color?: (typeof COLORS)[number];
  camera?: string;
  direction?: (typeof DIRECTIONS)[number];
  near?: string;
  within?: string;
  order?: (typeof ORDERS)[number];
}

/** Return the query that asks the API. Only a whole plate has misreadings. */
export function apiQueryOf(search: Search): EventFilters {
  const plate = search.plate.trim();
  return {
    ...filtersOf(search),
    ...(search.fuzzy && plate && !hasWildcard(plate) ? { fuzzy: true as const } : {}),
    ...(search.order === "newest" ? {} : { order: search.order }),
  };
}

/** Return how many filters other than plate and kind a search has. */
export function filterCount(search: Search): number {
  const { area, class: class_, color, camera, direction, near, within, fromMs, toMs } = search;
  const isTimed = fromMs !== null || toMs !== null;
  const isPlaced = near !== "" || within !== "";
  return [area, class_, color, camera, direction, isPlaced, isTimed].filter(Boolean).length;
}

function filtersOf(search: Search): Record<string, string> {
  const texts = {
    plate: search.plate.trim(),
    kind: search.kind,
    from: rfc3339(search.fromMs),
    to: rfc3339(search.toMs),
    area: search.area,
    class: search.class,
    color: search.color,
    camera: search.camera,
    direction: search.direction,
    near: search.near,
    within: search.within,
  };
  return Object.fromEntries(Object.entries(texts).filter(([, value]) => value !== ""));
}

function known<Value extends string>(values: readonly Value[], text: string): Value | "" {
  return values.find((value) => value === text) ?? "";
}

function instant(text: string): number | null {
  const instantMs = Date.parse(text);
  return Number.isNaN(instantMs) ? null : instantMs;
}

function rfc3339(instantMs: number | null): string {
  return instantMs === null ? "" : new Date(instantMs).toISOString();
}
