import assert from "node:assert/strict";
import { test } from "node:test";
import { matchingCameras } from "./camera-choice.ts";

const CAMERAS = [
  { id: "east-gate", name: "均州路东口卡口", area_name: "丹江口市" },
  { id: "west-gate", name: "West side of the market", area_name: "丹江口市" },
  { id: "station.hall", name: "汽车站进站口", area_name: "老城" },
];

function found(text: string, withArea = false): string[] {
  return matchingCameras(CAMERAS, text, withArea).map(({ id }) => id);
}

test("a space finds a hyphen, and the words may have any order", () => {
  assert.deepEqual(found("east gate"), ["east-gate"]);
  assert.deepEqual(found("Gate EAST"), ["east-gate"]);
  assert.deepEqual(found("market west"), ["west-gate"]);
  assert.deepEqual(found("hall station"), ["station.hall"]);
});

test("a part of a name finds its camera, and each word must match", () => {
  assert.deepEqual(found("东口"), ["east-gate"]);
  assert.deepEqual(found("gate"), ["east-gate", "west-gate"]);
  assert.deepEqual(found("east hall"), []);
  assert.equal(found(" ").length, 3);
});

test("a place finds its cameras only where areas count", () => {
  assert.deepEqual(found("老城"), []);
  assert.deepEqual(found("老城 进站口", true), ["station.hall"]);
});
