import assert from "node:assert/strict";
import { test } from "node:test";
import type { CameraView } from "../api/client.ts";
import {
  EMPTY_FILTERS,
  filtersOf,
  parametersOfFilters,
  severityOf,
  shownCameras,
} from "./camera-filters.ts";

function camera(id: string, fields: Partial<CameraView> = {}): CameraView {
  const usual = { id, name: id, class: "A", area: "city/east", state: "live", live: true };
  const analysed = { analysis_stopped_since: null, models_loading_since: null };
  const well = { shed: null, over_limit: false, ...analysed };
  return { ...usual, ...well, ...fields } as CameraView;
}

const CAMERAS = [
  camera("gate"),
  camera("school", { class: "B", area: "city/eastern", state: "unreachable", live: false }),
  camera("shop", { class: "C", area: "city/east/south", state: "idle", live: false }),
  camera("bank", { state: "clock_wrong" }),
  camera("bridge", { shed: "analytics" }),
];
const ids = (filters: Parameters<typeof shownCameras>[1]) =>
  shownCameras(CAMERAS, filters).map((one) => one.id);

test("cameras with a fault are first", () => {
  assert.deepEqual(ids(EMPTY_FILTERS), ["school", "bank", "shop", "bridge", "gate"]);
});

test("an area has its own cameras and those below, and none of a similar name", () => {
  assert.deepEqual(ids({ ...EMPTY_FILTERS, area: "city/east" }), [
    "bank",
    "shop",
    "bridge",
    "gate",
  ]);
});

test("groups, class and text narrow the list", () => {
  assert.deepEqual(ids({ ...EMPTY_FILTERS, group: "faulty" }), ["school", "bank", "bridge"]);
  assert.deepEqual(ids({ ...EMPTY_FILTERS, group: "idle" }), ["shop"]);
  assert.deepEqual(ids({ ...EMPTY_FILTERS, group: "live", class: "A", text: " GA" }), ["gate"]);
});

test("filters and their address convert into each other", () => {
  const filters = {
    area: "city",
    class: "B",
    group: "faulty",
    text: "门",
    view: "map",
    fromMs: Date.parse("2026-11-29T12:00:00Z"),
    toMs: Date.parse("2026-11-29T22:00:00Z"),
  } as const;
  assert.deepEqual(filtersOf(parametersOfFilters(filters)), filters);
  assert.deepEqual(filtersOf(new URLSearchParams("class=D&state=lost")), EMPTY_FILTERS);
});

test("a state that a newer server adds counts as a fault", () => {
  assert.equal(severityOf("melted" as CameraView["state"]), "bad");
});
