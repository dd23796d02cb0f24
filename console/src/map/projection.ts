// The Web Mercator projection, and the part of the world that a map shows. Pure.

export interface Place {
  lon: number;
  lat: number;
}
export interface Point {
  x: number;
  y: number;
}
export interface Size {
  width: number;
  height: number;
}
/** What a map shows: the world is a square of 1 by 1, of which `scale` pixels are one side. */
export interface View {
  centre: Point;
  scale: number;
}

export const TILE_PX = 256;
const LEAST_SCALE = TILE_PX * 2 ** 3;
const MOST_SCALE = TILE_PX * 2 ** 20;
/** The scale for one place, or for none. */
const CLOSE_SCALE = TILE_PX * 2 ** 15;
const EARTH_M = 40_075_017;

/** Return a place as a point of the world: x to the east and y to the south, both from 0 to 1. */
export function worldOf({ lon, lat }: Place): Point {
  const sine = Math.sin((lat * Math.PI) / 180);
  return { x: lon / 360 + 0.5, y: 0.5 - Math.log((1 + sine) / (1 - sine)) / (4 * Math.PI) };
}

export function placeOf({ x, y }: Point): Place {
  const lat = (Math.atan(Math.sinh(Math.PI * (1 - 2 * y))) * 180) / Math.PI;
  return { lon: (x - 0.5) * 360, lat };
}

export function screenOf(world: Point, { centre, scale }: View, { width, height }: Size): Point {
  return {
    x: width / 2 + (world.x - centre.x) * scale,
    y: height / 2 + (world.y - centre.y) * scale,
  };
}

export function worldAt(screen: Point, { centre, scale }: View, { width, height }: Size): Point {
  return {
    x: centre.x + (screen.x - width / 2) / scale,
    y: centre.y + (screen.y - height / 2) / scale,
  };
}

/** Return the view in which all places are, with a margin in pixels. */
export function viewOf(places: readonly Place[], size: Size, marginPx: number): View {
  if (places.length === 0) return { centre: { x: 0.5, y: 0.5 }, scale: LEAST_SCALE };
  const [left, right, top, bottom] = boundsOf(places.map(worldOf));
  const scale = Math.min(
    (size.width - 2 * marginPx) / (right - left),
    (size.height - 2 * marginPx) / (bottom - top),
    CLOSE_SCALE,
  );
  return { centre: { x: (left + right) / 2, y: (top + bottom) / 2 }, scale: limited(scale) };
}

/** Return a view that is moved by pixels: what was under the pointer stays under it. */
export function moved({ centre, scale }: View, byX: number, byY: number): View {
  return { centre: { x: centre.x - byX / scale, y: centre.y - byY / scale }, scale };
}

/** Return a view that is enlarged by a factor, while one point of the screen stays in place. */
export function zoomed(view: View, factor: number, at: Point, size: Size): View {
  const scale = limited(view.scale * factor);
  const fixed = worldAt(at, view, size);
  return {
    centre: {
      x: fixed.x - (at.x - size.width / 2) / scale,
      y: fixed.y - (at.y - size.height / 2) / scale,
    },
    scale,
  };
}

/** Return the pixels of a length at a latitude. */
export function pixelsOf(metres: number, lat: number, scale: number): number {
  return (metres / (EARTH_M * Math.cos((lat * Math.PI) / 180))) * scale;
}

/** Return the distance in metres between two places, along a great circle. */
export function distanceOf(from: Place, to: Place): number {
  const radians = (degrees: number) => (degrees * Math.PI) / 180;
  const half = (angle: number) => Math.sin(radians(angle) / 2) ** 2;
  const chord =
    half(to.lat - from.lat) +
    Math.cos(radians(from.lat)) * Math.cos(radians(to.lat)) * half(to.lon - from.lon);
  return (EARTH_M / Math.PI) * Math.asin(Math.sqrt(chord));
}

function boundsOf(points: readonly Point[]): [number, number, number, number] {
  let [left, right, top, bottom] = [1, 0, 1, 0];
  for (const { x, y } of points) {
    left = Math.min(left, x);
    right = Math.max(right, x);
    top = Math.min(top, y);
    bottom = Math.max(bottom, y);
  }
  return [left, right, top, bottom];
}

function limited(scale: number): number {
  return Math.min(MOST_SCALE, Math.max(LEAST_SCALE, scale));
}
