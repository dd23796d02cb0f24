import assert from "node:assert/strict";
import { test } from "node:test";
import { countsByCamera } from "./results-by-camera.ts";

test("results are counted by their camera", () => {
  const place = { lon: 111.5, lat: 32.5 };
  const at = (camera: string) => ({ event: { camera, location: place } });
  assert.deepEqual(countsByCamera([at("gate"), at("school"), at("gate")]), [
    { camera: "gate", place, count: 2 },
    { camera: "school", place, count: 1 },
  ]);
  assert.deepEqual(countsByCamera([]), []);
});
