import assert from "node:assert/strict";
import { test } from "node:test";
import { stepsOf, widthPx } from "./ground-style.ts";
import { ROADS } from "./schemas.ts";

test("a road grows with the zoom, and a more important one is never narrower", () => {
  for (let zoom = 0; zoom <= 22; zoom += 0.5) {
    let before = 0;
    for (const road of ROADS) {
      const width = widthPx(road, zoom) ?? 0;
      assert.ok(width >= before, `${road} at ${zoom}: ${width}`);
      assert.ok(width >= (widthPx(road, zoom - 0.5) ?? 0), `${road} at ${zoom}`);
      before = width;
    }
  }
});

test("water is below roads, roads below railways, and edges below all roads", () => {
  const steps = stepsOf(16);
  const first = (found: (step: (typeof steps)[number]) => boolean) => steps.findIndex(found);
  const last = (found: (step: (typeof steps)[number]) => boolean) => steps.findLastIndex(found);
  const edge = last((step) => step.color === "road-edge" && step.of !== "path");
  const road = first((step) => step.color === "road");
  assert.ok(last((step) => step.color === "water") < first((step) => step.color === "road-edge"));
  assert.ok(edge < road);
  assert.ok(last((step) => step.of === "highway") < first((step) => step.of === "rail"));
});

test("far views have no buildings and no small roads", () => {
  const classes = (zoom: number) => new Set(stepsOf(zoom).map((step) => step.of));
  assert.equal(classes(13).has("building"), false);
  assert.equal(classes(15).has("building"), true);
  assert.equal(classes(8).has("minor"), false);
  assert.equal(classes(8).has("highway"), true);
});
