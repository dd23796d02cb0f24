import assert from "node:assert/strict";
import { test } from "node:test";
import { classOf, layersOf, namedRoad, type Schema } from "./schemas.ts";
import type { Shape, Value, VectorFeature } from "./vector-tile.ts";

function feature(shape: Shape, properties: Readonly<Record<string, Value>>): VectorFeature {
  return { shape, property: (name) => properties[name], parts: () => [] };
}

type Row = readonly [Schema, string, Shape, Readonly<Record<string, Value>>, string | null];
const ROWS: readonly Row[] = [
  ["protomaps", "earth", "area", { kind: "earth" }, null],
  ["protomaps", "water", "area", { kind: "lake" }, "water"],
  ["protomaps", "water", "line", { kind: "river" }, "waterway"],
  ["protomaps", "water", "point", { kind: "lake" }, null],
  ["protomaps", "landuse", "area", { kind: "park" }, "green"],
  ["protomaps", "landuse", "area", { kind: "industrial" }, null],
  ["protomaps", "landcover", "area", { kind: "forest" }, "green"],
  ["protomaps", "buildings", "area", { kind: "building" }, "building"],
  ["protomaps", "buildings", "point", { kind: "address" }, null],
  ["protomaps", "roads", "line", { kind: "highway", kind_detail: "motorway" }, "highway"],
  ["protomaps", "roads", "line", { kind: "major_road", kind_detail: "primary" }, "major"],
  ["protomaps", "roads", "line", { kind: "major_road", kind_detail: "tertiary" }, "medium"],
  ["protomaps", "roads", "line", { kind: "minor_road", kind_detail: "residential" }, "minor"],
  ["protomaps", "roads", "line", { kind: "minor_road", kind_detail: "service" }, "service"],
  ["protomaps", "roads", "line", { kind: "path", kind_detail: "footway" }, "path"],
  ["protomaps", "roads", "line", { kind: "rail" }, "rail"],
  ["protomaps", "roads", "line", { kind: "rail", is_tunnel: true }, null],
  ["protomaps", "roads", "line", { kind: "ferry" }, null],
  ["protomaps", "roads", "line", { kind: "constructor" }, null],
  ["protomaps", "boundaries", "line", { kind: "region", kind_detail: 4 }, "boundary"],
  ["protomaps", "boundaries", "line", { kind: "locality", kind_detail: 8 }, null],
  ["protomaps", "pois", "point", { kind: "school" }, null],
  ["protomaps", "toString", "area", {}, null],
  ["openmaptiles", "water", "area", { class: "river" }, "water"],
  ["openmaptiles", "waterway", "line", { class: "stream" }, "waterway"],
  ["openmaptiles", "landcover", "area", { class: "wood" }, "green"],
  ["openmaptiles", "landcover", "area", { class: "sand" }, null],
  ["openmaptiles", "landuse", "area", { class: "cemetery" }, "green"],
  ["openmaptiles", "park", "area", { class: "national_park" }, "green"],
  ["openmaptiles", "building", "area", {}, "building"],
  ["openmaptiles", "transportation", "line", { class: "motorway" }, "highway"],
  ["openmaptiles", "transportation", "line", { class: "trunk" }, "major"],
  ["openmaptiles", "transportation", "line", { class: "tertiary" }, "medium"],
  ["openmaptiles", "transportation", "line", { class: "minor" }, "minor"],
  ["openmaptiles", "transportation", "line", { class: "track" }, "service"],
  ["openmaptiles", "transportation", "line", { class: "transit", brunnel: "tunnel" }, null],
  ["openmaptiles", "transportation", "line", { class: "rail" }, "rail"],
  ["openmaptiles", "transportation", "area", { class: "path" }, null],
  ["openmaptiles", "boundary", "line", { admin_level: 4, maritime: 0 }, "boundary"],
  ["openmaptiles", "boundary", "line", { admin_level: 2, maritime: 1 }, null],
  ["openmaptiles", "boundary", "line", { admin_level: 8 }, null],
  ["unknown", "streets", "line", { any: "thing" }, "otherLine"],
  ["unknown", "parcels", "area", {}, "otherArea"],
  ["unknown", "trees", "point", {}, null],
];

for (const [schema, layer, shape, properties, expected] of ROWS) {
  test(`${schema}: ${shape} of ${layer} with ${JSON.stringify(properties)}`, () => {
    assert.equal(classOf(schema, layer, feature(shape, properties)), expected);
  });
}

test("street names are along the roads of one layer", () => {
  const road = feature("line", { class: "primary" });
  assert.equal(namedRoad("openmaptiles", "transportation_name", road), "major");
  assert.equal(namedRoad("openmaptiles", "transportation", road), null);
  const rail = feature("line", { kind: "rail" });
  assert.equal(namedRoad("protomaps", "roads", rail), null);
});

test("only the layers that are used are decoded", () => {
  assert.equal(layersOf("unknown"), null);
  assert.equal(layersOf("protomaps")?.has("pois"), false);
  assert.equal(layersOf("openmaptiles")?.has("transportation_name"), true);
});
