import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schemas } from "../api/client.ts";
import { legsOf, marksOf, placeAt, spanOf } from "./journey-map.ts";

const EAST = { lon: 111.5, lat: 0 };
const WEST = { lon: 111.3, lat: 0 };
const START_MS = Date.parse("2026-11-30T01:00:00Z");

function sighting(id: string, camera: string, location: typeof EAST, afterS: number) {
  return { id, camera, location, best_at: new Date(START_MS + 1000 * afterS).toISOString() };
}

const JOURNEY = {
  sightings: [
    sighting("a", "east", EAST, 0),
    sighting("b", "west", WEST, 600),
    sighting("c", "east", EAST, 660),
  ],
  legs: [
    { from_event: "a", to_event: "b", speed_kmh: 113.6, impossible: false },
    { from_event: "b", to_event: "c", speed_kmh: null, impossible: true },
    { from_event: "gone", to_event: "a", speed_kmh: 1, impossible: false },
  ],
} as unknown as Schemas["Journey"];

test("a camera has one mark with the numbers of all its sightings", () => {
  const marks = marksOf(JOURNEY, (id) => `Gate ${id}`);
  assert.deepEqual(
    marks.map(({ id, text, title }) => [id, text, title]),
    [
      ["east", "1, 3", "Gate east"],
      ["west", "2", "Gate west"],
    ],
  );
});

test("legs have speeds, and one whose start is on another page is left out", () => {
  const legs = legsOf(JOURNEY, (kmh) => `${kmh} km/h`);
  assert.deepEqual(
    legs.map(({ text, isImpossible }) => [text, isImpossible]),
    [
      ["114 km/h", false],
      ["", true],
    ],
  );
});

test("the vehicle moves from sighting to sighting in their time", () => {
  const { fromMs, toMs } = spanOf(JOURNEY);
  assert.equal(toMs - fromMs, 660_000);
  const lonAt = (afterS: number) => placeAt(JOURNEY, START_MS + 1000 * afterS)?.lon ?? 0;
  const expected = [
    [0, 111.5],
    [300, 111.4],
    [600, 111.3],
    [630, 111.4],
    [660, 111.5],
    [900, 111.5],
    [-5, 111.5],
  ] as const;
  for (const [afterS, lon] of expected) {
    assert.ok(Math.abs(lonAt(afterS) - lon) < 1e-9, `${afterS} s: ${lonAt(afterS)}`);
  }
});
