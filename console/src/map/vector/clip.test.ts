import assert from "node:assert/strict";
import { test } from "node:test";
import { type Box, boxOf, clippedLine, clippedRing, overlaps } from "./clip.ts";

const BOX: Box = { left: 0, top: 0, right: 10, bottom: 10 };

const LINES: readonly (readonly [string, number[], number[][]])[] = [
  ["a line inside is kept", [1, 1, 9, 9], [[1, 1, 9, 9]]],
  ["a line outside is left out", [-5, 3, -1, 8], []],
  ["a line that only passes a corner is left out", [-4, 3, 3, -5], []],
  ["a line through the box is cut at both sides", [-5, 5, 15, 5], [[0, 5, 10, 5]]],
  ["a line that ends inside is cut once", [5, 5, 5, 20], [[5, 5, 5, 10]]],
  [
    "a line that leaves and returns has two parts",
    [5, 5, 15, 5, 15, 8, 5, 8],
    [
      [5, 5, 10, 5],
      [10, 8, 5, 8],
    ],
  ],
  ["a corner of a line inside is kept", [-5, 5, 5, 5, 5, -5], [[0, 5, 5, 5, 5, 0]]],
  ["a huge line is cut", [-(2 ** 40), 5, 2 ** 40, 5], [[0, 5, 10, 5]]],
  ["a point is no line", [5, 5], []],
];

for (const [name, points, expected] of LINES) {
  test(name, () => assert.deepEqual(clippedLine(points, BOX), expected));
}

/** Return twice the area of a ring, with the sign of its direction. */
function areaOf(ring: readonly number[]): number {
  let sum = 0;
  for (let at = 0; at < ring.length; at += 2) {
    const [x = 0, y = 0] = [ring[at], ring[at + 1]];
    const [nextX = 0, nextY = 0] = [ring[(at + 2) % ring.length], ring[(at + 3) % ring.length]];
    sum += x * nextY - nextX * y;
  }
  return sum;
}

test("a ring around the box becomes the box, in its direction", () => {
  const ring = [-5, -5, 15, -5, 15, 15, -5, 15];
  assert.equal(areaOf(clippedRing(ring, BOX)), 200);
  const reversed = [-5, -5, -5, 15, 15, 15, 15, -5];
  assert.equal(areaOf(clippedRing(reversed, BOX)), -200);
});

test("a ring outside has no area left, and one inside is kept", () => {
  assert.equal(areaOf(clippedRing([20, 20, 30, 20, 30, 30], BOX)), 0);
  const inside = [1, 1, 4, 1, 4, 4];
  assert.equal(clippedRing(inside, BOX), inside);
});

test("what is clipped is within the box, and a ring loses no area that is inside", () => {
  let state = 11;
  const coordinate = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return (state / 2 ** 32) * 40 - 15;
  };
  for (let round = 0; round < 500; round += 1) {
    const points = Array.from({ length: 8 }, coordinate);
    const clipped = [clippedRing(points, BOX), ...clippedLine(points, BOX)];
    for (const part of clipped) {
      const box = boxOf(part);
      if (box === null) continue;
      const margin = 1e-9;
      assert.ok(box.left >= -margin && box.right <= 10 + margin, `${box.left} ${box.right}`);
      assert.ok(box.top >= -margin && box.bottom <= 10 + margin, `${box.top} ${box.bottom}`);
    }
    // The parts of a triangle in the four quarters of a box have its area together.
    const triangle = points.slice(0, 6);
    const quarters = [
      [0, 0, 5, 5],
      [5, 0, 10, 5],
      [0, 5, 5, 10],
      [5, 5, 10, 10],
    ].map(([left = 0, top = 0, right = 0, bottom = 0]) =>
      areaOf(clippedRing(triangle, { left, top, right, bottom })),
    );
    const sum = quarters.reduce((before, area) => before + area, 0);
    assert.ok(Math.abs(sum - areaOf(clippedRing(triangle, BOX))) < 1e-6);
  }
});

test("boxes that only touch do not overlap", () => {
  assert.equal(overlaps(BOX, { left: 10, top: 0, right: 20, bottom: 10 }), false);
  assert.equal(overlaps(BOX, { left: 9, top: 9, right: 20, bottom: 20 }), true);
});
