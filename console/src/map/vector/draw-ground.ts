// Draws the ground of a tile: areas and lines, without names.

import type { TileId } from "../tiles.ts";
import { type Box, boxOf, clippedLine, clippedRing, overlaps } from "./clip.ts";
import { type GroundPalette, type Step, stepsOf } from "./ground-style.ts";
import { classOf, type GroundClass, type Schema } from "./schemas.ts";
import { areaOf, shownZoom, type TileArea, withMargin } from "./tile-area.ts";
import type { Points, VectorFeature, VectorLayer } from "./vector-tile.ts";

/** What is needed of a canvas. */
type Drawn = OffscreenCanvasRenderingContext2D;

export interface GroundTile {
  tile: TileId;
  /** The tile that the layers are from; the same one, or one that contains it. */
  data: TileId;
  layers: readonly VectorLayer[];
  schema: Schema;
  /** The side of the picture as CSS pixels, and how many pixels of the device one of them has. */
  sidePx: number;
  ratio: number;
}

/** Lines are drawn so far beyond the picture that their ends and joints are not seen in it. */
const MARGIN_PX = 32;

export function drawGround(to: Drawn, ground: GroundTile, palette: GroundPalette): void {
  const sidePx = ground.sidePx * ground.ratio;
  to.fillStyle = palette.land;
  to.fillRect(0, 0, sidePx, sidePx);
  to.lineJoin = "round";
  to.lineCap = "round";
  const paths = pathsOf(ground);
  for (const step of stepsOf(shownZoom(ground.tile, ground.sidePx))) {
    const path = paths.get(step.of);
    if (path !== undefined) draw(to, path, step, ground.ratio, palette);
  }
}

function draw(to: Drawn, path: Path2D, step: Step, ratio: number, palette: GroundPalette): void {
  if (step.widthPx === null) {
    to.fillStyle = palette[step.color];
    to.fill(path);
    return;
  }
  to.strokeStyle = palette[step.color];
  to.lineWidth = step.widthPx * ratio;
  to.setLineDash(step.dashPx.map((length) => length * ratio));
  // Round ends would fill the gaps of a dashed line.
  to.lineCap = step.dashPx.length > 0 ? "butt" : "round";
  to.stroke(path);
}

/** Return one path for each class that is drawn, in pixels of the picture. Throws DamagedTile. */
function pathsOf(ground: GroundTile): Map<GroundClass, Path2D> {
  const paths = new Map<GroundClass, Path2D>();
  const drawn = new Set(stepsOf(shownZoom(ground.tile, ground.sidePx)).map((step) => step.of));
  for (const layer of ground.layers) {
    const area = areaOf(ground.tile, ground.data, layer.extent, ground.sidePx * ground.ratio);
    const clip = withMargin(area.box, (MARGIN_PX * ground.ratio) / area.scale);
    for (const feature of layer.features) {
      const found = classOf(ground.schema, layer.name, feature);
      if (found === null || !drawn.has(found)) continue;
      const path = paths.get(found) ?? new Path2D();
      paths.set(found, path);
      addFeature(path, feature, area, clip);
    }
  }
  return paths;
}

function addFeature(path: Path2D, feature: VectorFeature, area: TileArea, clip: Box): void {
  for (const part of feature.parts()) {
    const own = boxOf(part);
    // A straight line may have a box without a height.
    if (own === null || !overlaps(withMargin(own, 1), clip)) continue;
    if (feature.shape === "area") addTo(path, clippedRing(part, clip), true, area);
    else for (const points of clippedLine(part, clip)) addTo(path, points, false, area);
  }
}

function addTo(path: Path2D, points: Points, isClosed: boolean, { box, scale }: TileArea): void {
  for (let at = 0; at + 1 < points.length; at += 2) {
    const x = ((points[at] as number) - box.left) * scale;
    const y = ((points[at + 1] as number) - box.top) * scale;
    if (at === 0) path.moveTo(x, y);
    else path.lineTo(x, y);
  }
  if (isClosed && points.length > 0) path.closePath();
}
