// The geometry of an arrow between two marks. Pure.
import type { Point } from "./projection.ts";

/** Return an arrow from one point to another that ends at the rim of a mark of `radius`. */
export function arrow(from: Point, to: Point, radius: number): [Point, Point] | null {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  if (length <= 2 * radius) return null;
  const part = radius / length;
  return [between(from, to, part), between(from, to, 1 - part)];
}

export function between<P extends { x: number; y: number }>(from: P, to: P, part: number): Point {
  return { x: from.x + part * (to.x - from.x), y: from.y + part * (to.y - from.y) };
}
