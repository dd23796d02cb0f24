// Which cameras the page shows, and its tree of areas. Pure.
import type { AreaView, CameraView } from "../api/client.ts";
import { matchingCameras } from "../find/camera-choice.ts";

export const GROUPS = ["all", "faulty", "live", "idle"] as const;
export type Group = (typeof GROUPS)[number];
type State = CameraView["state"];

/** Making it for each comparison would take most of the time of a sort. */
const BY_NAME = new Intl.Collator("zh");
const IDLE: readonly State[] = ["idle", "unknown", "connecting"];
const WARNED: readonly State[] = ["clock_wrong", "sparse_keyframes"];

export interface CameraFilters {
  area: string;
  class: CameraView["class"] | "";
  group: Group;
  text: string;
  view: View;
  /** The range whose outages are shown. */
  fromMs: number | null;
  toMs: number | null;
}

export const VIEWS = ["list", "map"] as const;
export type View = (typeof VIEWS)[number];

export const EMPTY_FILTERS: CameraFilters = {
  area: "",
  class: "",
  group: "all",
  text: "",
  view: "list",
  fromMs: null,
  toMs: null,
};

/** How urgent a state is: `bad` without usable pictures, `warned` with pictures and a fault. */
export type Severity = "live" | "warned" | "idle" | "bad";

export function severityOf(state: State): Severity {
  if (state === "live") return "live";
  if (WARNED.includes(state)) return "warned";
  return IDLE.includes(state) ? "idle" : "bad";
}

/** Return the filters of an address. Unknown values count as absent. */
export function filtersOf(parameters: URLSearchParams): CameraFilters {
  const text = (name: string) => parameters.get(name) ?? "";
  return {
    area: text("area"),
    class: (["A", "B", "C"] as const).find((name) => name === text("class")) ?? "",
    group: GROUPS.find((name) => name === text("state")) ?? "all",
    text: text("text"),
    view: text("view") === "map" ? "map" : "list",
    fromMs: instantOf(text("from")),
    toMs: instantOf(text("to")),
  };
}

export function parametersOfFilters(filters: CameraFilters): URLSearchParams {
  const parameters = new URLSearchParams();
  if (filters.area) parameters.set("area", filters.area);
  if (filters.class) parameters.set("class", filters.class);
  if (filters.group !== "all") parameters.set("state", filters.group);
  if (filters.text) parameters.set("text", filters.text);
  if (filters.view !== "list") parameters.set("view", filters.view);
  if (filters.fromMs !== null) parameters.set("from", new Date(filters.fromMs).toISOString());
  if (filters.toMs !== null) parameters.set("to", new Date(filters.toMs).toISOString());
  return parameters;
}

/** Return the cameras that pass the filters, those with a fault first, then by name. */
export function shownCameras(
  cameras: readonly CameraView[],
  filters: Pick<CameraFilters, "area" | "class" | "group" | "text">,
): CameraView[] {
  return matchingCameras(cameras, filters.text)
    .filter((camera) => isIn(camera.area, filters.area))
    .filter((camera) => !filters.class || camera.class === filters.class)
    .filter((camera) => isInGroup(camera, filters.group))
    .sort((one, other) => rank(one) - rank(other) || BY_NAME.compare(one.name, other.name));
}

function instantOf(text: string): number | null {
  const instantMs = Date.parse(text);
  return Number.isNaN(instantMs) ? null : instantMs;
}

function isIn(area: string, of: string): boolean {
  return !of || area === of || area.startsWith(`${of}/`);
}

function isInGroup(camera: CameraView, group: Group): boolean {
  const severity = severityOf(camera.state);
  if (group === "all") return true;
  if (group === "faulty") return severity === "bad" || severity === "warned" || hasTrouble(camera);
  if (group === "live") return camera.live;
  return severity === "idle";
}

function hasTrouble(camera: CameraView): boolean {
  const misses = camera.analysis_stopped_since !== null || camera.models_loading_since !== null;
  return camera.shed !== null || camera.over_limit || misses;
}

function rank(camera: CameraView): number {
  return ["bad", "warned", "idle", "live"].indexOf(severityOf(camera.state));
}

/** Return how many cameras of an area are down or have a fault. */
export function faultyIn(area: AreaView): number {
  const counts = Object.entries(area.states) as [State, number][];
  return counts
    .filter(([state]) => ["bad", "warned"].includes(severityOf(state)))
    .reduce((total, [, count]) => total + count, 0);
}

/** Return how deep an area is in the tree, from 0. */
export function depthOf(area: AreaView): number {
  return area.id.split("/").length - 1;
}
