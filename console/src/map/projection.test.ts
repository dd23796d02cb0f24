import assert from "node:assert/strict";
import { test } from "node:test";
import {
  distanceOf,
  moved,
  pixelsOf,
  placeOf,
  screenOf,
  viewOf,
  worldAt,
  worldOf,
  zoomed,
} from "./projection.ts";

const SIZE = { width: 800, height: 600 };
const GATE = { lon: 111.513, lat: 32.54 };
const SCHOOL = { lon: 111.413, lat: 32.56 };

function near(found: number, expected: number, tolerance: number): void {
  assert.ok(Math.abs(found - expected) <= tolerance, `${found} is not about ${expected}`);
}

test("the world is a square, and a place converts there and back", () => {
  assert.deepEqual(worldOf({ lon: 0, lat: 0 }), { x: 0.5, y: 0.5 });
  near(worldOf({ lon: 180, lat: 85.051129 }).y, 0, 1e-8);
  const again = placeOf(worldOf(GATE));
  near(again.lon, GATE.lon, 1e-9);
  near(again.lat, GATE.lat, 1e-9);
});

test("all places are inside of the margin, north is up", () => {
  const view = viewOf([GATE, SCHOOL], SIZE, 40);
  const [gate, school] = [GATE, SCHOOL].map((place) => screenOf(worldOf(place), view, SIZE));
  assert.ok(gate && school);
  for (const { x, y } of [gate, school]) {
    assert.ok(x > 39.9 && x < 760.1 && y > 39.9 && y < 560.1, `${x}, ${y}`);
  }
  assert.ok(gate.x > school.x && gate.y > school.y);
  const one = screenOf(worldOf(GATE), viewOf([GATE], SIZE, 40), SIZE);
  near(one.x, 400, 1e-6);
  near(one.y, 300, 1e-6);
});

test("moving and zooming keep what is under the pointer", () => {
  const view = viewOf([GATE, SCHOOL], SIZE, 40);
  const pointer = { x: 120, y: 500 };
  const under = worldAt(pointer, view, SIZE);
  const after = screenOf(under, moved(view, 30, -20), SIZE);
  near(after.x, 150, 1e-6);
  near(after.y, 480, 1e-6);
  const larger = zoomed(view, 2, pointer, SIZE);
  near(larger.scale, 2 * view.scale, 1e-6);
  const still = screenOf(under, larger, SIZE);
  near(still.x, 120, 1e-6);
  near(still.y, 500, 1e-6);
  const most = zoomed(view, 1e12, pointer, SIZE);
  near(screenOf(under, most, SIZE).x, 120, 1e-3);
});

test("lengths agree with distances on the ground", () => {
  near(distanceOf(GATE, { ...GATE, lat: GATE.lat + 1 / 111.32 }), 1000, 3);
  const view = viewOf([GATE, SCHOOL], SIZE, 40);
  const to = { ...GATE, lon: GATE.lon + 0.01 };
  const [from, end] = [GATE, to].map((place) => screenOf(worldOf(place), view, SIZE));
  assert.ok(from && end);
  near(pixelsOf(distanceOf(GATE, to), GATE.lat, view.scale), end.x - from.x, 0.5);
});
