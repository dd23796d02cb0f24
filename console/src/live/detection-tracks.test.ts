import assert from "node:assert/strict";
import { test } from "node:test";
import { type Detection, DetectionTracks } from "./detection-tracks.ts";

const car = (track: number, left: number): Detection => ({
  kind: "vehicle",
  track,
  box: [left, 0.1, left + 0.1, 0.2],
  plate: "鄂C12345",
});
const lefts = (found: readonly Detection[]) => found.map(({ box }) => box[0]);

test("a picture gets the newest box of its time or before it", () => {
  const tracks = new DetectionTracks();
  tracks.put(10.0, [car(1, 0.1)]);
  tracks.put(10.2, [car(1, 0.2), car(2, 0.5)]);
  tracks.put(10.4, [car(1, 0.3)]);
  assert.deepEqual(lefts(tracks.at(9.9)), []);
  assert.deepEqual(lefts(tracks.at(10.1)), [0.1]);
  assert.deepEqual(lefts(tracks.at(10.2)), [0.2, 0.5]);
  assert.deepEqual(lefts(tracks.at(10.39)), [0.3, 0.5], "up to rounding");
});

test("a box is not shown for longer than a moment, and then forgotten", () => {
  const tracks = new DetectionTracks();
  tracks.put(10.0, [car(1, 0.1)]);
  assert.deepEqual(lefts(tracks.at(10.6)), [0.1]);
  assert.deepEqual(lefts(tracks.at(10.7)), []);
  assert.deepEqual(lefts(tracks.at(10.1)), []);
});

test("a box that arrives after its picture is shown with the next one", () => {
  const tracks = new DetectionTracks();
  assert.deepEqual(lefts(tracks.at(10.2)), []);
  tracks.put(10.0, [car(1, 0.1)]);
  assert.deepEqual(lefts(tracks.at(10.24)), [0.1]);
});
