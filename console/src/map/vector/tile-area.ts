// The part of a tile's data that a picture shows: all of it, or less behind the last zoom. Pure.
import type { TileId } from "../tiles.ts";
import type { Box } from "./clip.ts";

/** Return the tile of the last zoom or before that a tile lies in. */
export function dataTile({ zoom, column, row }: TileId, mostZoom: number): TileId {
  const behind = Math.max(0, zoom - mostZoom);
  const shrink = 2 ** behind;
  return {
    zoom: zoom - behind,
    column: Math.floor(column / shrink),
    row: Math.floor(row / shrink),
  };
}

/** The side of a tile at the zoom that its data is made for, as CSS pixels. */
export const VECTOR_TILE_PX = 512;

/** Return the zoom that a picture of a tile is drawn for: it can be between two whole zooms. */
export function shownZoom({ zoom }: TileId, sidePx: number): number {
  return zoom + Math.log2(sidePx / VECTOR_TILE_PX);
}

/** How the units of a layer become pixels of a picture. */
export interface TileArea {
  /** The part of the layer that the picture shows. */
  box: Box;
  /** Pixels of a unit. */
  scale: number;
}

/** Return the part of a layer of `data` that the picture of `tile` with a side of pixels shows. */
export function areaOf(tile: TileId, data: TileId, extent: number, sidePx: number): TileArea {
  const shrink = 2 ** (tile.zoom - data.zoom);
  const side = extent / shrink;
  const left = (tile.column - data.column * shrink) * side;
  const top = (tile.row - data.row * shrink) * side;
  return { box: { left, top, right: left + side, bottom: top + side }, scale: sidePx / side };
}

/** Return a box with a margin around it. */
export function withMargin({ left, top, right, bottom }: Box, margin: number): Box {
  return { left: left - margin, top: top - margin, right: right + margin, bottom: bottom + margin };
}
