// A circle or a polygon that a search is limited to, as the API and the address have it. Pure.
import { distanceOf, type Place } from "./projection.ts";

export type Shape =
  | { kind: "circle"; centre: Place; radiusM: number }
  | { kind: "polygon"; corners: readonly Place[] };

const DIGITS = 5;
const LEAST_CORNERS = 3;
/** The API refuses more corners. */
export const MOST_CORNERS = 100;

/** Return the shape of `near` or `within`; null without a valid one. */
export function shapeOf(near: string, within: string): Shape | null {
  const circle = numbersOf(near);
  const [lon, lat, radiusM] = circle;
  if (lon !== undefined && lat !== undefined && radiusM !== undefined && radiusM > 0) {
    return { kind: "circle", centre: { lon, lat }, radiusM };
  }
  const corners = within.split(";").flatMap((corner): Place[] => {
    const [east, north] = numbersOf(corner);
    return east === undefined || north === undefined ? [] : [{ lon: east, lat: north }];
  });
  return corners.length >= LEAST_CORNERS ? { kind: "polygon", corners } : null;
}

/** Return `near` and `within` of a shape; both are empty without one. */
export function filtersOfShape(shape: Shape | null): { near: string; within: string } {
  if (shape === null) return { near: "", within: "" };
  if (shape.kind === "polygon") {
    return { near: "", within: shape.corners.map(textOf).join(";") };
  }
  return { near: `${textOf(shape.centre)},${Math.round(shape.radiusM)}`, within: "" };
}

/** Return the circle around a place through another one. */
export function circleThrough(centre: Place, edge: Place): Shape {
  return { kind: "circle", centre, radiusM: Math.max(1, Math.round(distanceOf(centre, edge))) };
}

export function polygonOf(corners: readonly Place[]): Shape | null {
  return corners.length >= LEAST_CORNERS ? { kind: "polygon", corners } : null;
}

function textOf({ lon, lat }: Place): string {
  return `${Number(lon.toFixed(DIGITS))},${Number(lat.toFixed(DIGITS))}`;
}

function numbersOf(text: string): number[] {
  if (text.trim() === "") return [];
  const numbers = text.split(",").map(Number);
  return numbers.every(Number.isFinite) ? numbers : [];
}
