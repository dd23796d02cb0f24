import assert from "node:assert/strict";
import { test } from "node:test";
import { overlaps } from "./clip.ts";
import type { MapName } from "./names.ts";
import { boxesOf, placedNames } from "./placed-names.ts";

const SCALE = 1000;

/** Return a name at a place in pixels. */
function named(text: string, x: number, y: number, changes: Partial<MapName> = {}): MapName {
  const at = { x: x / SCALE, y: y / SCALE };
  return { ...at, text, angle: 0, rank: 5, sizePx: 12, widthPx: 60, isStreet: false, ...changes };
}

const texts = (names: readonly MapName[]) => placedNames(names, SCALE).map(({ text }) => text);

test("of two names at one place the more important one is shown", () => {
  const names = [named("village", 100, 100), named("city", 110, 104, { rank: 2 })];
  assert.deepEqual(texts(names), ["city"]);
  assert.deepEqual(texts(names.toReversed()), ["city"]);
});

test("names with room are all shown, and more of them at a larger scale", () => {
  const names = [named("one", 100, 100), named("two", 150, 100)];
  assert.deepEqual(texts(names), ["one"]);
  assert.equal(placedNames(names, 2 * SCALE).length, 2);
});

test("the same name is not repeated nearby, and is far away", () => {
  const names = [100, 200, 900].map((x) => named("Ring Road", x, 100, { isStreet: true }));
  assert.deepEqual(
    placedNames(names, SCALE).map(({ x }) => Math.round(x * SCALE)),
    [100, 900],
  );
});

test("the name of a street is no obstacle beyond its letters", () => {
  const street = named("a long street", 100, 100, { rank: 1, angle: Math.PI / 4, widthPx: 140 });
  // Its box with upright sides would cover this place.
  assert.deepEqual(texts([street, named("x", 140, 60, { widthPx: 20 })]), ["a long street", "x"]);
  assert.deepEqual(texts([street, named("x", 130, 130, { widthPx: 20 })]), ["a long street"]);
});

test("no two names overlap, and the order of the tiles decides nothing", () => {
  let state = 5;
  const part = () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
  const names = Array.from({ length: 600 }, (_, number) =>
    named(`name ${number}`, 1000 * part(), 1000 * part(), {
      rank: Math.floor(8 * part()),
      angle: part() < 0.5 ? 0 : part() - 0.5,
      widthPx: 20 + 100 * part(),
    }),
  );
  const placed = placedNames(names, SCALE);
  assert.ok(placed.length > 40, `${placed.length} names`);
  const boxes = placed.map((name) => boxesOf(name, { x: name.x * SCALE, y: name.y * SCALE }));
  boxes.forEach((own, at) => {
    for (const others of boxes.slice(at + 1)) {
      assert.ok(!own.some((one) => others.some((other) => overlaps(one, other))));
    }
  });
  assert.deepEqual(placedNames(names.toReversed(), SCALE), placed);
});
