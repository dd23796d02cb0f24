// Clips lines and rings to a box, so that only what a tile shows is drawn. Pure.
import type { Points } from "./vector-tile.ts";

export interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

export function overlaps(one: Box, other: Box): boolean {
  return (
    one.left < other.right &&
    other.left < one.right &&
    one.top < other.bottom &&
    other.top < one.bottom
  );
}

/** Return the box around points; null without points. */
export function boxOf(points: Points): Box | null {
  if (points.length < 2) return null;
  const box = { left: Infinity, top: Infinity, right: -Infinity, bottom: -Infinity };
  for (let at = 0; at + 1 < points.length; at += 2) {
    const x = points[at] as number;
    const y = points[at + 1] as number;
    if (x < box.left) box.left = x;
    if (x > box.right) box.right = x;
    if (y < box.top) box.top = y;
    if (y > box.bottom) box.bottom = y;
  }
  return box;
}

/** Return the parts of a line within a box, by the algorithm of Liang and Barsky. */
export function clippedLine(points: Points, box: Box): Points[] {
  if (isWithin(points, box)) return points.length < 4 ? [] : [points];
  const parts: Points[] = [];
  let part: Points | null = null;
  for (let at = 0; at + 3 < points.length; at += 2) {
    const [x0, y0, x1, y1] = points.slice(at, at + 4) as [number, number, number, number];
    const [first, last] = insidePart(x0, y0, x1 - x0, y1 - y0, box);
    if (first > last) {
      part = null;
      continue;
    }
    if (part === null || first > 0) {
      part = [x0 + first * (x1 - x0), y0 + first * (y1 - y0)];
      parts.push(part);
    }
    part.push(x0 + last * (x1 - x0), y0 + last * (y1 - y0));
    if (last < 1) part = null;
  }
  return parts;
}

/** Return from where to where a segment is inside, as parts of it; the first is larger if never. */
function insidePart(x: number, y: number, dx: number, dy: number, box: Box): [number, number] {
  let first = 0;
  let last = 1;
  const limits = [
    [-dx, x - box.left],
    [dx, box.right - x],
    [-dy, y - box.top],
    [dy, box.bottom - y],
  ] as const;
  for (const [towards, distance] of limits) {
    if (towards === 0) {
      if (distance < 0) return [1, 0];
    } else if (towards < 0) first = Math.max(first, distance / towards);
    else last = Math.min(last, distance / towards);
  }
  return [first, last];
}

/** Return the part of a ring within a box, by the algorithm of Sutherland and Hodgman. */
export function clippedRing(points: Points, box: Box): Points {
  if (isWithin(points, box)) return points;
  let ring = points;
  ring = cut(ring, 0, box.left, 1);
  ring = cut(ring, 0, box.right, -1);
  ring = cut(ring, 1, box.top, 1);
  return cut(ring, 1, box.bottom, -1);
}

/** Return what is on one side of a limit of x (`axis` 0) or y (`axis` 1). */
function cut(ring: Points, axis: 0 | 1, limit: number, sign: 1 | -1): Points {
  const kept: Points = [];
  const count = ring.length / 2;
  for (let number = 0; number < count; number += 1) {
    const at = 2 * number;
    const before = 2 * ((number + count - 1) % count);
    const here = sign * ((ring[at + axis] as number) - limit);
    const there = sign * ((ring[before + axis] as number) - limit);
    if (here >= 0 !== there >= 0) {
      const part = there / (there - here);
      const x = ring[before] as number;
      const y = ring[before + 1] as number;
      kept.push(x + part * ((ring[at] as number) - x), y + part * ((ring[at + 1] as number) - y));
    }
    if (here >= 0) kept.push(ring[at] as number, ring[at + 1] as number);
  }
  return kept;
}

function isWithin(points: Points, box: Box): boolean {
  const own = boxOf(points);
  if (own === null) return true;
  const isWide = own.left >= box.left && own.right <= box.right;
  return isWide && own.top >= box.top && own.bottom <= box.bottom;
}
