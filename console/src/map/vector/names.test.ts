import assert from "node:assert/strict";
import { test } from "node:test";
import type { GroundTile } from "./draw-ground.ts";
import { nameOf, namesOf, straightPart } from "./names.ts";
import type { Schema } from "./schemas.ts";
import { decodeTile } from "./vector-tile.ts";
import { type Property, type WrittenFeature, writtenTile } from "./written-tile.ts";

const TILE = { zoom: 14, column: 13_268, row: 6_624 };
/** Each character is ten pixels wide. */
const measure = (text: string) => 10 * text.length;

function ground(schema: Schema, layer: string, features: readonly WrittenFeature[]): GroundTile {
  const layers = decodeTile(writtenTile([{ name: layer, features }]));
  return { tile: TILE, data: TILE, layers, schema, sidePx: 512, ratio: 1 };
}

function place(properties: Record<string, Property>, at: readonly number[] = [2048, 1024]) {
  return { type: 1, parts: [at], properties };
}

const CITY = { kind: "locality", kind_detail: "city", name: "丹江口市" };

test("a place has its name in the language of the person", () => {
  const both = { ...CITY, "name:zh-Hans": "丹江口", "name:en": "Danjiangkou" };
  const tile = ground("protomaps", "places", [place(both)]);
  assert.deepEqual(
    (["zh", "en"] as const).map((language) => namesOf(tile, language, measure)[0]?.text),
    ["丹江口", "Danjiangkou"],
  );
  const local = ground("protomaps", "places", [place(CITY)]);
  assert.equal(namesOf(local, "en", measure)[0]?.text, "丹江口市");
});

test("a place stands where the tile says, and belongs to the tile that it lies in", () => {
  const tile = ground("protomaps", "places", [
    place(CITY),
    place({ ...CITY, name: "neighbour" }, [4096, 100]),
    place({ ...CITY, name: "above" }, [100, -1]),
  ]);
  const names = namesOf(tile, "zh", measure);
  assert.deepEqual(
    names.map(({ text }) => text),
    ["丹江口市"],
  );
  assert.equal(names[0]?.x, (13_268 + 0.5) / 2 ** 14);
  assert.equal(names[0]?.y, (6_624 + 0.25) / 2 ** 14);
});

test("behind the last zoom, a picture has only the names of its part of the tile", () => {
  const tile = ground("openmaptiles", "place", [
    place({ class: "village", name: "left" }, [1000, 1000]),
    place({ class: "village", name: "right" }, [3000, 1000]),
  ]);
  const part = { ...tile, tile: { zoom: 15, column: 2 * TILE.column + 1, row: 2 * TILE.row } };
  const [name, ...others] = namesOf(part, "zh", measure);
  assert.deepEqual([name?.text, others], ["right", []]);
  assert.equal(name?.x, (13_268 + 3000 / 4096) / 2 ** 14);
});

test("more important places come first", () => {
  const kinds = ["village", "city", "suburb", "town"];
  const tile = ground(
    "openmaptiles",
    "place",
    kinds.map((kind) => place({ class: kind, name: kind, rank: 3 })),
  );
  assert.deepEqual(
    namesOf(tile, "en", measure).map(({ text }) => text),
    ["city", "town", "suburb", "village"],
  );
});

test("a street has its name along a straight part that is long enough", () => {
  const road = (name: string, points: readonly number[]): WrittenFeature => ({
    type: 2,
    parts: [points],
    properties: { kind: "major_road", kind_detail: "primary", name },
  });
  const tile = ground("protomaps", "roads", [
    road("汉江大道", [0, 0, 4000, 4000]),
    road("a short lane with a long name", [0, 100, 400, 100]),
    road("outside", [5000, 0, 9000, 0]),
  ]);
  const [name, ...others] = namesOf(tile, "zh", measure);
  assert.deepEqual([name?.text, name?.isStreet, others], ["汉江大道", true, []]);
  assert.ok(Math.abs((name?.angle ?? 0) - Math.PI / 4) < 1e-9);
  const far = { ...tile, tile: { ...TILE, zoom: 11 }, data: { ...TILE, zoom: 11 } };
  assert.deepEqual(namesOf(far, "zh", measure), [], "streets have no names on far views");
});

test("the longest straight part is found, and no text is upside down", () => {
  const bent = [0, 0, 10, 0, 20, 1, 30, 0, 30, 10];
  assert.deepEqual(straightPart(bent), { x: 15, y: 0, angle: 0, length: 30 });
  for (const [points, angle] of [
    [[10, 0, 0, 0], 0],
    [[0, 10, 0, 0], -Math.PI / 2],
    [[10, 10, 0, 0], Math.PI / 4],
    [[10, 0, 0, 10], -Math.PI / 4],
  ] as const) {
    const found = straightPart([...points])?.angle ?? 9;
    assert.ok(Math.abs(found - angle) < 1e-9, `${points}: ${found}`);
  }
  assert.equal(straightPart([1, 2]), null);
});

test("a name is one line of limited length without invisible characters", () => {
  const tile = ground("protomaps", "places", [
    place({ ...CITY, name: " a\n\u202eb\u0000c " }),
    place({ ...CITY, name: "长".repeat(130) }),
    place({ ...CITY, name: "\u200b\n" }),
  ]);
  const names = tile.layers[0]?.features.map((feature) => nameOf(feature, "zh"));
  assert.deepEqual(names, ["a b c", "长".repeat(60), ""]);
});

test("an unknown schema has no names", () => {
  const tile = ground("unknown", "places", [place(CITY)]);
  assert.deepEqual(namesOf(tile, "zh", measure), []);
});
