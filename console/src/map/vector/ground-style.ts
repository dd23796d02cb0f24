// The look of a base map of vector tiles: what is drawn in which order, colour and width. Pure.
import { type GroundClass, type LineClass, ROADS, type RoadClass } from "./schemas.ts";

export const GROUND_COLORS = [
  "land",
  "water",
  "green",
  "building",
  "road",
  "road-edge",
  "highway",
  "rail",
  "boundary",
] as const;
export type GroundColor = (typeof GROUND_COLORS)[number];
export type GroundPalette = Readonly<Record<GroundColor, string>>;

/** A step of drawing: all features of a class are one path. */
export interface Step {
  of: GroundClass;
  color: GroundColor;
  /** The width of a line as CSS pixels; null for areas, which are filled. */
  widthPx: number | null;
  dashPx: readonly number[];
}

/** Buildings are drawn from this zoom on. */
const BUILDING_ZOOM = 14;
const EDGE_PX = 1.2;
/** Narrower roads have no edge. */
const LEAST_WITH_EDGE_PX = 2;
const THIN_PX = 0.8;

/** Widths in CSS pixels by zoom; a line is drawn from the first zoom on. */
const WIDTHS: Readonly<Record<LineClass, readonly (readonly [zoom: number, widthPx: number])[]>> = {
  highway: [
    [4, 0.8],
    [8, 1.6],
    [11, 2.4],
    [14, 5],
    [16, 10],
    [19, 24],
  ],
  major: [
    [6, 0.6],
    [10, 1.4],
    [13, 3.2],
    [15, 6],
    [17, 13],
    [19, 22],
  ],
  medium: [
    [8, 0.5],
    [12, 1.6],
    [14, 3.2],
    [16, 7],
    [19, 20],
  ],
  minor: [
    [11, 0.5],
    [14, 2],
    [16, 5.5],
    [19, 18],
  ],
  service: [
    [13, 0.6],
    [16, 3],
    [19, 10],
  ],
  path: [
    [14, 0.8],
    [17, 1.6],
    [19, 2.5],
  ],
  rail: [
    [8, 0.6],
    [13, 1],
    [17, 2.2],
  ],
  waterway: [
    [8, 0.6],
    [14, 1.6],
    [18, 5],
  ],
  boundary: [
    [2, 0.7],
    [10, 1.2],
    [16, 2],
  ],
  otherLine: [[0, THIN_PX]],
};

/** Return the steps that draw a tile of a zoom, in their order. */
export function stepsOf(zoom: number): Step[] {
  const steps: Step[] = [fill("green"), fill("water"), ...stroke("waterway", "water", zoom)];
  if (zoom >= BUILDING_ZOOM) steps.push(fill("building"));
  for (const road of ROADS) {
    const width = widthPx(road, zoom);
    if (width === null || width < LEAST_WITH_EDGE_PX || road === "path") continue;
    steps.push({ of: road, color: "road-edge", widthPx: width + 2 * EDGE_PX, dashPx: [] });
  }
  for (const road of ROADS) steps.push(...stroke(road, colorOf(road, zoom), zoom));
  steps.push(...stroke("rail", "rail", zoom, [5, 2.5]));
  steps.push(...stroke("boundary", "boundary", zoom, [6, 3]));
  steps.push({ of: "otherArea", color: "rail", widthPx: THIN_PX, dashPx: [] });
  steps.push(...stroke("otherLine", "rail", zoom));
  return steps;
}

/** Return the width of a line at a zoom; null if it is not drawn there. */
export function widthPx(line: LineClass, zoom: number): number | null {
  const stops = WIDTHS[line];
  const after = stops.findIndex(([at]) => at > zoom);
  if (after === 0) return null;
  const before = stops.at(after < 0 ? -1 : after - 1);
  const next = after < 0 ? undefined : stops[after];
  if (before === undefined) return null;
  if (next === undefined) return before[1];
  const part = (zoom - before[0]) / (next[0] - before[0]);
  return before[1] + part * (next[1] - before[1]);
}

function fill(of: "green" | "water" | "building"): Step {
  return { of, color: of, widthPx: null, dashPx: [] };
}

function stroke(
  of: LineClass,
  color: GroundColor,
  zoom: number,
  dashPx: readonly number[] = of === "path" ? [3, 2] : [],
): Step[] {
  const width = widthPx(of, zoom);
  return width === null ? [] : [{ of, color, widthPx: width, dashPx }];
}

/** Return the colour of a road; a narrow line in the colour of a road would not be seen. */
function colorOf(road: RoadClass, zoom: number): GroundColor {
  if (road === "highway") return "highway";
  const isNarrow = (widthPx(road, zoom) ?? 0) < LEAST_WITH_EDGE_PX;
  return isNarrow || road === "path" ? "road-edge" : "road";
}
