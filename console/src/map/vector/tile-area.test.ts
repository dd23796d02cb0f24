import assert from "node:assert/strict";
import { test } from "node:test";
import { areaOf, dataTile, shownZoom } from "./tile-area.ts";

const TILE = { zoom: 16, column: 53_075, row: 26_499 };

test("behind the last zoom, a tile lies in one of the last zoom", () => {
  const data = dataTile(TILE, 14);
  assert.deepEqual(data, { zoom: 14, column: 13_268, row: 6_624 });
  assert.deepEqual(dataTile(data, 14), data);
  assert.deepEqual(dataTile(TILE, 0), { zoom: 0, column: 0, row: 0 });
});

test("a picture shows its part of the data at the size of the picture", () => {
  const data = dataTile(TILE, 14);
  assert.deepEqual(areaOf(data, data, 4096, 512), {
    box: { left: 0, top: 0, right: 4096, bottom: 4096 },
    scale: 1 / 8,
  });
  // 53075 = 4 * 13268 + 3, and 26499 = 4 * 6624 + 3.
  assert.deepEqual(areaOf(TILE, data, 4096, 512), {
    box: { left: 3072, top: 3072, right: 4096, bottom: 4096 },
    scale: 1 / 2,
  });
});

test("a picture of another size is drawn for a zoom in between", () => {
  assert.equal(shownZoom(TILE, 512), 16);
  assert.ok(Math.abs(shownZoom(TILE, 724) - 16.5) < 0.01);
  assert.ok(Math.abs(shownZoom(TILE, 362) - 15.5) < 0.01);
});
