import assert from "node:assert/strict";
import { test } from "node:test";
import { arrow, planeOf } from "./plane.ts";

const FRAME = { width: 400, height: 200, margin: 20 };
const WEST = { lon: 111.4, lat: 32.5 };
const EAST = { lon: 111.6, lat: 32.5 };

test("all places are inside of the frame, north is up and east is right", () => {
  const north = { lon: 111.5, lat: 32.55 };
  const plane = planeOf([WEST, EAST, north], FRAME);
  for (const place of [WEST, EAST, north]) {
    const { x, y } = plane(place);
    assert.ok(x >= 19.9 && x <= 380.1 && y >= 19.9 && y <= 180.1, `${x}, ${y}`);
  }
  assert.ok(plane(EAST).x > plane(WEST).x);
  assert.ok(plane(north).y < plane(WEST).y);
});

test("a kilometre is as long to the east as to the north", () => {
  const plane = planeOf([WEST, EAST], FRAME);
  const middle = { lon: 111.5, lat: 32.5 };
  const kmEast = plane({ lon: 111.5 + 1 / (111.2 * Math.cos((32.5 * Math.PI) / 180)), lat: 32.5 });
  const kmNorth = plane({ lon: 111.5, lat: 32.5 + 1 / 111.2 });
  const east = kmEast.x - plane(middle).x;
  const north = plane(middle).y - kmNorth.y;
  assert.ok(Math.abs(east / north - 1) < 0.01);
});

test("one place is in the middle", () => {
  assert.deepEqual(planeOf([WEST], FRAME)(WEST), { x: 200, y: 100 });
});

test("an arrow ends at the rims, and there is none between marks that touch", () => {
  assert.deepEqual(arrow({ x: 0, y: 0 }, { x: 100, y: 0 }, 10), [
    { x: 10, y: 0 },
    { x: 90, y: 0 },
  ]);
  assert.equal(arrow({ x: 0, y: 0 }, { x: 15, y: 0 }, 10), null);
});
