// What the features of vector tiles are, in the two schemas that nearly all files have. Pure.
// Protomaps 4: https://docs.protomaps.com/basemaps/layers; OpenMapTiles: openmaptiles.org/schema.
import type { VectorFeature } from "./vector-tile.ts";

export type Schema = "protomaps" | "openmaptiles" | "unknown";
export type AreaClass = "green" | "water" | "building" | "otherArea";
export const ROADS = ["path", "service", "minor", "medium", "major", "highway"] as const;
export type RoadClass = (typeof ROADS)[number];
export type LineClass = RoadClass | "waterway" | "rail" | "boundary" | "otherLine";
export type GroundClass = AreaClass | LineClass;

/** A place with a name: `rank` is lower for what is more important. */
export interface PlaceKind {
  rank: number;
  /** The height of its letters, as CSS pixels. */
  sizePx: number;
  leastZoom: number;
  mostZoom: number;
}

type Reading = (feature: VectorFeature) => GroundClass | null;

const GREEN = new Set(
  (
    "national_park park cemetery protected_area nature_reserve forest golf_course wood scrub " +
    "grassland grass allotments village_green playground meadow orchard garden recreation_ground " +
    "pitch zoo wetland"
  ).split(" "),
);

const PROTOMAPS: Readonly<Record<string, Reading>> = {
  landcover: (feature) => area(feature, kindIn(feature, "kind", GREEN) ? "green" : null),
  landuse: (feature) => area(feature, kindIn(feature, "kind", GREEN) ? "green" : null),
  water: (feature) =>
    feature.shape === "line"
      ? oneOf(feature.property("kind"), ["river", "canal", "stream"], "waterway")
      : area(feature, "water"),
  buildings: (feature) =>
    area(feature, oneOf(feature.property("kind"), ["building", "building_part"], "building")),
  roads: (feature) => line(feature, protomapsRoad(feature)),
  boundaries: (feature) =>
    line(feature, oneOf(feature.property("kind"), ["country", "region", "county"], "boundary")),
};

const OPENMAPTILES: Readonly<Record<string, Reading>> = {
  landcover: (feature) => area(feature, kindIn(feature, "class", GREEN) ? "green" : null),
  landuse: (feature) => area(feature, kindIn(feature, "class", GREEN) ? "green" : null),
  park: (feature) => area(feature, "green"),
  water: (feature) => area(feature, "water"),
  waterway: (feature) =>
    line(feature, feature.property("brunnel") === "tunnel" ? null : "waterway"),
  building: (feature) => area(feature, "building"),
  transportation: (feature) => line(feature, openMapTilesRoad(feature)),
  boundary: (feature) => line(feature, openMapTilesBoundary(feature)),
};

const READINGS: Readonly<Record<Schema, Readonly<Record<string, Reading>> | null>> = {
  protomaps: PROTOMAPS,
  openmaptiles: OPENMAPTILES,
  unknown: null,
};
const NAME_LAYERS: Readonly<Record<Schema, readonly string[]>> = {
  protomaps: ["places"],
  openmaptiles: ["place", "transportation_name"],
  unknown: [],
};

/** Return the layers that are drawn or have names; null for all of them. */
export function layersOf(schema: Schema): ReadonlySet<string> | null {
  const readings = READINGS[schema];
  return readings && new Set([...Object.keys(readings), ...NAME_LAYERS[schema]]);
}

/** Return what a feature is; null if it is not drawn. */
export function classOf(schema: Schema, layer: string, feature: VectorFeature): GroundClass | null {
  const readings = READINGS[schema];
  if (readings !== null) return entry(readings, layer)?.(feature) ?? null;
  if (feature.shape === "point") return null;
  return feature.shape === "area" ? "otherArea" : "otherLine";
}

/** Return the class of a road whose name stands along it; null if the feature is none. */
export function namedRoad(schema: Schema, layer: string, feature: VectorFeature): RoadClass | null {
  const isOfLayer =
    (schema === "protomaps" && layer === "roads") ||
    (schema === "openmaptiles" && layer === "transportation_name");
  if (!isOfLayer || feature.shape !== "line") return null;
  const found = schema === "protomaps" ? protomapsRoad(feature) : openMapTilesRoad(feature);
  return ROADS.find((road) => road === found) ?? null;
}

/** Return the kind of a place with a name; null if the feature is none. */
export function namedPlace(
  schema: Schema,
  layer: string,
  feature: VectorFeature,
): PlaceKind | null {
  if (feature.shape !== "point") return null;
  if (schema === "protomaps" && layer === "places") return protomapsPlace(feature);
  if (schema === "openmaptiles" && layer === "place") return openMapTilesPlace(feature);
  return null;
}

const PROTOMAPS_ROADS: Readonly<Record<string, LineClass>> = {
  highway: "highway",
  major_road: "major",
  minor_road: "minor",
  path: "path",
};

function protomapsRoad(feature: VectorFeature): LineClass | null {
  const kind = feature.property("kind");
  const detail = feature.property("kind_detail");
  if (kind === "rail") return feature.property("is_tunnel") ? null : "rail";
  if (kind === "major_road" && isOneOf(detail, ["secondary", "tertiary"])) return "medium";
  if (kind === "minor_road" && isOneOf(detail, ["service"])) return "service";
  return entry(PROTOMAPS_ROADS, kind);
}

const OPENMAPTILES_ROADS: Readonly<Record<string, LineClass>> = {
  motorway: "highway",
  trunk: "major",
  primary: "major",
  secondary: "medium",
  tertiary: "medium",
  minor: "minor",
  raceway: "minor",
  busway: "minor",
  service: "service",
  track: "service",
  path: "path",
};

function openMapTilesRoad(feature: VectorFeature): LineClass | null {
  const kind = feature.property("class");
  if (kind === "rail" || kind === "transit") {
    return feature.property("brunnel") === "tunnel" ? null : "rail";
  }
  return entry(OPENMAPTILES_ROADS, kind);
}

/** The levels of countries, provinces, prefectures and counties. */
const MOST_ADMIN_LEVEL = 6;

function openMapTilesBoundary(feature: VectorFeature): LineClass | null {
  const level = feature.property("admin_level");
  const isDrawn = typeof level === "number" && level <= MOST_ADMIN_LEVEL;
  return isDrawn && feature.property("maritime") !== 1 ? "boundary" : null;
}

const COUNTRY = { rank: 0, sizePx: 14, leastZoom: 0, mostZoom: 7 };
const PROVINCE = { rank: 1, sizePx: 13, leastZoom: 4, mostZoom: 9 };
const CITY = { rank: 2, sizePx: 16, leastZoom: 0, mostZoom: 15 };
const TOWN = { rank: 4, sizePx: 14, leastZoom: 7, mostZoom: 17 };
const VILLAGE = { rank: 6, sizePx: 12, leastZoom: 10, mostZoom: 24 };
const QUARTER = { rank: 5, sizePx: 12, leastZoom: 11, mostZoom: 24 };
const HAMLET = { rank: 7, sizePx: 11, leastZoom: 13, mostZoom: 24 };
const PLACES: Readonly<Record<string, PlaceKind>> = {
  country: COUNTRY,
  region: PROVINCE,
  state: PROVINCE,
  province: PROVINCE,
  city: CITY,
  town: TOWN,
  village: VILLAGE,
  borough: QUARTER,
  suburb: QUARTER,
  quarter: QUARTER,
  macrohood: QUARTER,
  neighbourhood: HAMLET,
  hamlet: HAMLET,
  isolated_dwelling: HAMLET,
};

/** A locality has its kind in `kind_detail`; the larger ones have a higher `population_rank`. */
function protomapsPlace(feature: VectorFeature): PlaceKind | null {
  const kind = feature.property("kind");
  const detail = kind === "locality" ? feature.property("kind_detail") : kind;
  const place = entry(PLACES, detail) ?? (kind === "locality" ? VILLAGE : null);
  return place && ranked(place, 17 - numberOf(feature.property("population_rank"), 0), 18);
}

function openMapTilesPlace(feature: VectorFeature): PlaceKind | null {
  const place = entry(PLACES, feature.property("class"));
  return place && ranked(place, numberOf(feature.property("rank"), 30), 30);
}

/** Rank a place among those of its kind. */
function ranked(place: PlaceKind, position: number, most: number): PlaceKind {
  return { ...place, rank: place.rank + Math.min(0.9, Math.max(0, position / most)) };
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === "number" && Number.isFinite(value) ? value : otherwise;
}

function entry<Found>(table: Readonly<Record<string, Found>>, key: unknown): Found | null {
  return typeof key === "string" && Object.hasOwn(table, key) ? (table[key] as Found) : null;
}

function isOneOf(value: unknown, values: readonly string[]): boolean {
  return values.some((one) => one === value);
}

function oneOf<Found>(value: unknown, values: readonly string[], found: Found): Found | null {
  return isOneOf(value, values) ? found : null;
}

function kindIn(feature: VectorFeature, name: string, kinds: ReadonlySet<string>): boolean {
  const kind = feature.property(name);
  return typeof kind === "string" && kinds.has(kind);
}

function area(feature: VectorFeature, found: AreaClass | null): AreaClass | null {
  return feature.shape === "area" ? found : null;
}

function line(feature: VectorFeature, found: LineClass | null): LineClass | null {
  return feature.shape === "line" ? found : null;
}
