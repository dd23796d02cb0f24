// Which names have room: the more important ones first, and none over another. Pure.

import { type Box, overlaps } from "./clip.ts";
import type { MapName } from "./names.ts";

/** The space that is kept free around a name. */
const SPACE_PX = 4;
/** A name is not repeated within this distance, also if it is that of several tiles. */
const REPEATED_PX = 260;
const CELL_PX = 128;

/** Return the names that have room when the world has a side of `scale` CSS pixels. */
export function placedNames(names: readonly MapName[], scale: number): MapName[] {
  const taken = new TakenSpace();
  const places = new Map<string, { x: number; y: number }[]>();
  const placed: MapName[] = [];
  for (const name of [...names].sort(byRank)) {
    const at = { x: name.x * scale, y: name.y * scale };
    const same = places.get(name.text) ?? [];
    if (same.some((one) => Math.hypot(one.x - at.x, one.y - at.y) < REPEATED_PX)) continue;
    if (!taken.take(boxesOf(name, at))) continue;
    places.set(name.text, [...same, at]);
    placed.push(name);
  }
  return placed;
}

/** The order does not depend on the order of the tiles, so the same names win in each view. */
function byRank(one: MapName, other: MapName): number {
  if (one.rank !== other.rank) return one.rank - other.rank;
  if (one.text !== other.text) return one.text < other.text ? -1 : 1;
  return one.x - other.x || one.y - other.y;
}

/** Return the boxes that a name needs: one, or a row of squares along its street. */
export function boxesOf(name: MapName, at: { x: number; y: number }): Box[] {
  const half = name.sizePx / 2 + SPACE_PX;
  if (name.angle === 0) {
    const across = name.widthPx / 2 + SPACE_PX;
    return [{ left: at.x - across, right: at.x + across, top: at.y - half, bottom: at.y + half }];
  }
  const count = Math.max(1, Math.ceil(name.widthPx / (1.5 * half)));
  const [towardsX, towardsY] = [Math.cos(name.angle), Math.sin(name.angle)];
  return Array.from({ length: count + 1 }, (_, number) => {
    const along = name.widthPx * (number / count - 0.5);
    const [x, y] = [at.x + along * towardsX, at.y + along * towardsY];
    return { left: x - half, right: x + half, top: y - half, bottom: y + half };
  });
}

/** The boxes that are taken, by the cells of a grid, so that few are compared. */
class TakenSpace {
  private readonly cells = new Map<string, Box[]>();

  /** Take boxes if all of them are free. */
  take(boxes: readonly Box[]): boolean {
    if (boxes.some((box) => this.isTaken(box))) return false;
    for (const box of boxes) {
      for (const cell of cellsOf(box)) {
        const inside = this.cells.get(cell);
        if (inside === undefined) this.cells.set(cell, [box]);
        else inside.push(box);
      }
    }
    return true;
  }

  private isTaken(box: Box): boolean {
    return cellsOf(box).some((cell) => this.cells.get(cell)?.some((one) => overlaps(one, box)));
  }
}

function cellsOf(box: Box): string[] {
  const cells: string[] = [];
  for (let x = Math.floor(box.left / CELL_PX); x <= Math.floor(box.right / CELL_PX); x += 1) {
    for (let y = Math.floor(box.top / CELL_PX); y <= Math.floor(box.bottom / CELL_PX); y += 1) {
      cells.push(`${x} ${y}`);
    }
  }
  return cells;
}
