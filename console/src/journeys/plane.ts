// Places on a plane without a base map: longitudes and latitudes as points of a picture. Pure.

export interface Place {
  lon: number;
  lat: number;
}
export interface Point {
  x: number;
  y: number;
}
export interface Frame {
  width: number;
  height: number;
  margin: number;
}

/** The least extent in degrees, so that one place, or two at one gate, stay in the middle. */
const LEAST_DEGREES = 0.005;

/**
 * Return a function that places longitude and latitude into a frame, north up, so that all
 * places fit and distances in all directions have the same scale.
 */
export function planeOf(places: readonly Place[], frame: Frame): (place: Place) => Point {
  const lons = places.map((place) => place.lon);
  const lats = places.map((place) => place.lat);
  const middle = { lon: middleOf(lons), lat: middleOf(lats) };
  const shrink = Math.cos((middle.lat * Math.PI) / 180);
  const east = Math.max(extentOf(lons), LEAST_DEGREES) * shrink;
  const north = Math.max(extentOf(lats), LEAST_DEGREES);
  const scale = Math.min(
    (frame.width - 2 * frame.margin) / east,
    (frame.height - 2 * frame.margin) / north,
  );
  return (place) => ({
    x: frame.width / 2 + (place.lon - middle.lon) * shrink * scale,
    y: frame.height / 2 - (place.lat - middle.lat) * scale,
  });
}

/** Return an arrow from one point to another that ends at the rim of a mark of `radius`. */
export function arrow(from: Point, to: Point, radius: number): [Point, Point] | null {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length <= 2 * radius) return null;
  const part = radius / length;
  return [between(from, to, part), between(from, to, 1 - part)];
}

function between(from: Point, to: Point, part: number): Point {
  return { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
}

function middleOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : (Math.min(...values) + Math.max(...values)) / 2;
}

function extentOf(values: readonly number[]): number {
  return values.length === 0 ? 0 : Math.max(...values) - Math.min(...values);
}
