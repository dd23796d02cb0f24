import assert from "node:assert/strict";
import { test } from "node:test";
import type { AreaView } from "../api/client.ts";
import { dotsOf, labelsOf } from "./camera-dots.ts";

const GATE = {
  id: "gate",
  name: "East gate",
  state: "live" as const,
  area: "city/east",
  location: { lon: 111.5, lat: 32.5 },
};
const SCHOOL = {
  ...GATE,
  id: "school",
  state: "unreachable" as const,
  location: { lon: 111.6, lat: 32.6 },
};
const AREAS = ["city", "city/east"].map((id) => ({ id, name: `Area ${id}` })) as AreaView[];

test("a dot has the colour of the state, or one that all have", () => {
  const tones = dotsOf([GATE, SCHOOL], null).map((dot) => dot.tone);
  assert.deepEqual(tones, ["good", "bad"]);
  const quiet = dotsOf([GATE, SCHOOL], "quiet").map((dot) => dot.tone);
  assert.deepEqual(quiet, ["quiet", "quiet"]);
});

test("the name of an area is in the middle of its own cameras", () => {
  const [label, ...others] = labelsOf(AREAS, [GATE, SCHOOL]);
  assert.equal(others.length, 0);
  assert.equal(label?.text, "Area city/east");
  assert.ok(Math.abs((label?.place.lon ?? 0) - 111.55) < 1e-9);
});

test("there are no labels where they would cover each other", () => {
  const cameras = Array.from({ length: 41 }, (_, index) => ({ ...GATE, area: `city/${index}` }));
  const areas = cameras.map(({ area }) => ({ id: area, name: area })) as AreaView[];
  assert.deepEqual(labelsOf(areas, cameras), []);
  assert.equal(labelsOf(areas, cameras.slice(1)).length, 40);
});
