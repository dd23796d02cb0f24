import assert from "node:assert/strict";
import { test } from "node:test";
import { placeOf, placesFor } from "./place.ts";

const CAMERAS = [
  { id: "daba-bridge", name: "大坝桥头卡口", location: { lon: 111.5088, lat: 32.5403 } },
  { id: "east-gate", name: "均州路东口卡口", location: { lon: 111.513, lat: 32.54 } },
];
const AREAS = [{ id: "danjiangkou/daba", name: "大坝街道" }];

test("a part of a name finds areas and cameras, areas first", () => {
  const found = placesFor("大坝", CAMERAS, AREAS);
  assert.deepEqual(
    found.map(({ id }) => id),
    ["danjiangkou/daba", "daba-bridge"],
  );
  assert.deepEqual(
    placesFor("BRIDGE", CAMERAS, AREAS).map(({ name }) => name),
    ["大坝桥头卡口"],
  );
  assert.deepEqual(placesFor(" ", CAMERAS, AREAS), []);
});

test("near a camera is a circle around it, and the circle has its name", () => {
  const [bridge] = placesFor("bridge", CAMERAS, AREAS);
  assert.deepEqual(bridge?.filters, { area: "", near: "111.5088,32.5403,500", within: "" });
  assert.equal(
    placeOf({ area: "", near: "111.5088,32.5403,500" }, CAMERAS, AREAS)?.id,
    "daba-bridge",
  );
  assert.equal(placeOf({ area: "", near: "111.5088,32.5403,700" }, CAMERAS, AREAS), null);
});

test("an area has its name, and without a place there is none", () => {
  assert.equal(placeOf({ area: "danjiangkou/daba", near: "" }, CAMERAS, AREAS)?.name, "大坝街道");
  assert.equal(placeOf({ area: "", near: "" }, CAMERAS, AREAS), null);
});
