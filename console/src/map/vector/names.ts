// The names of a tile: of places, and of streets along their straight parts. Pure.
import type { Language } from "../../shell/preferences.ts";
import type { Point } from "../projection.ts";
import { clippedLine } from "./clip.ts";
import type { GroundTile } from "./draw-ground.ts";
import { namedPlace, namedRoad, ROADS, type RoadClass } from "./schemas.ts";
import { areaOf, shownZoom, type TileArea } from "./tile-area.ts";
import type { Points, VectorFeature, VectorLayer } from "./vector-tile.ts";

/** A name and where it stands, as a point of the world. */
export interface MapName extends Point {
  text: string;
  /** 0 for one that is upright; else the direction of its street, in radians. */
  angle: number;
  /** Lower for what is more important. */
  rank: number;
  sizePx: number;
  widthPx: number;
  isStreet: boolean;
}

/** Returns the width of a text of a size, in CSS pixels. */
export type Measure = (text: string, sizePx: number, isStreet: boolean) => number;

/** Return the font of a name. */
export function fontOf(sizePx: number, isStreet: boolean): string {
  return `${isStreet ? 400 : 600} ${sizePx}px system-ui, sans-serif`;
}

const KEYS: Readonly<Record<Language, readonly string[]>> = {
  zh: ["name:zh-Hans", "name:zh", "name"],
  en: ["name:en", "name_en", "name"],
};
const MOST_CHARACTERS = 60;
/** More names of one tile are not placed anyway. */
const MOST_NAMES = 400;
/** Streets come behind all places, the large ones first. */
const STREET_RANK = 10;
const STREET_PX = 11;
const STREET_ZOOM: Readonly<Record<RoadClass, number>> = {
  highway: 11,
  major: 12,
  medium: 13,
  minor: 14.5,
  service: 15.5,
  path: 16.5,
};
/** How much the direction of a street may change below its name. */
const MOST_TURN = 0.3;
const END_PX = 6;

/** Return the names of the tile's own area. Throws DamagedTile. */
export function namesOf(ground: GroundTile, language: Language, measure: Measure): MapName[] {
  const found: MapName[] = [];
  for (const layer of ground.layers) {
    const area = areaOf(ground.tile, ground.data, layer.extent, ground.sidePx);
    for (const feature of layer.features) {
      const named = { ground, layer, feature, area, language, measure };
      found.push(...placeNames(named), ...streetNames(named));
    }
  }
  return found.sort((one, other) => one.rank - other.rank).slice(0, MOST_NAMES);
}

/** A feature that may have a name. */
interface Named {
  ground: GroundTile;
  layer: VectorLayer;
  feature: VectorFeature;
  area: TileArea;
  language: Language;
  measure: Measure;
}

/** Return the name of a feature in a language, on one line; empty without one. */
export function nameOf(feature: VectorFeature, language: Language): string {
  for (const key of KEYS[language]) {
    const value = feature.property(key);
    if (typeof value !== "string") continue;
    const text = value.replace(/[\p{Cc}\p{Cf}\s]+/gu, " ").trim();
    if (text !== "") return [...text].slice(0, MOST_CHARACTERS).join("");
  }
  return "";
}

function placeNames({ ground, layer, feature, area, language, measure }: Named): MapName[] {
  const kind = namedPlace(ground.schema, layer.name, feature);
  const zoom = shownZoom(ground.tile, ground.sidePx);
  if (kind === null || zoom < kind.leastZoom || zoom > kind.mostZoom) return [];
  const text = nameOf(feature, language);
  if (text === "") return [];
  const [[x, y] = []] = feature.parts();
  // A place outside belongs to the neighbouring tile, which has it too.
  if (x === undefined || y === undefined || !isInside(x, y, area)) return [];
  const { rank, sizePx } = kind;
  const widthPx = measure(text, sizePx, false);
  return [
    { ...worldOf(ground, area, x, y), text, angle: 0, rank, sizePx, widthPx, isStreet: false },
  ];
}

function streetNames({ ground, layer, feature, area, language, measure }: Named): MapName[] {
  const road = namedRoad(ground.schema, layer.name, feature);
  const zoom = shownZoom(ground.tile, ground.sidePx);
  if (road === null || zoom < STREET_ZOOM[road]) return [];
  const text = nameOf(feature, language);
  if (text === "") return [];
  const widthPx = measure(text, STREET_PX, true);
  const rank = STREET_RANK + ROADS.length - ROADS.indexOf(road);
  return feature
    .parts()
    .flatMap((part) => clippedLine(part, area.box))
    .flatMap((part) => {
      const straight = straightPart(part);
      if (straight === null || straight.length * area.scale < widthPx + 2 * END_PX) return [];
      const { x, y, angle } = straight;
      const at = worldOf(ground, area, x, y);
      return [{ ...at, text, angle, rank, sizePx: STREET_PX, widthPx, isStreet: true }];
    });
}

interface Straight extends Point {
  angle: number;
  length: number;
}

/** Return the middle, the direction and the length of the longest nearly straight part of a line. */
export function straightPart(points: Points): Straight | null {
  let best: Straight | null = null;
  let first = 0;
  while (first + 3 < points.length) {
    const last = endOfStraight(points, first);
    const [x0, y0] = [points[first] as number, points[first + 1] as number];
    const [x1, y1] = [points[last] as number, points[last + 1] as number];
    const length = Math.hypot(x1 - x0, y1 - y0);
    if (best === null || length > best.length) {
      const angle = upright(Math.atan2(y1 - y0, x1 - x0));
      best = { x: (x0 + x1) / 2, y: (y0 + y1) / 2, angle, length };
    }
    first = last;
  }
  return best;
}

/** Return the index of the last point to which the line keeps the direction of its first segment. */
function endOfStraight(points: Points, first: number): number {
  const start = directionAt(points, first);
  let last = first + 2;
  while (last + 3 < points.length) {
    const turn = Math.abs(directionAt(points, last) - start);
    if (Math.min(turn, 2 * Math.PI - turn) > MOST_TURN) break;
    last += 2;
  }
  return last;
}

function directionAt(points: Points, at: number): number {
  const [x0, y0, x1, y1] = points.slice(at, at + 4) as [number, number, number, number];
  return Math.atan2(y1 - y0, x1 - x0);
}

/** Return a direction in which a text is not upside down. */
function upright(angle: number): number {
  if (angle > Math.PI / 2) return angle - Math.PI;
  return angle < -Math.PI / 2 ? angle + Math.PI : angle;
}

function isInside(x: number, y: number, { box }: TileArea): boolean {
  return x >= box.left && x < box.right && y >= box.top && y < box.bottom;
}

/** Return a point of a layer as a point of the world. */
function worldOf({ tile }: GroundTile, { box }: TileArea, x: number, y: number): Point {
  const count = 2 ** tile.zoom;
  return {
    x: (tile.column + (x - box.left) / (box.right - box.left)) / count,
    y: (tile.row + (y - box.top) / (box.bottom - box.top)) / count,
  };
}
