// Draws a map onto a canvas: ground, tiles, areas, cameras, legs, marks, and the shape of a search.
import { arrow } from "./arrow.ts";
import type { Colors } from "./colors.ts";
import {
  type Dot,
  type Label,
  type Leg,
  type MapContent,
  type Mark,
  TONES,
} from "./map-content.ts";
import {
  type Place,
  type Point,
  pixelsOf,
  type Size,
  screenOf,
  type View,
  worldOf,
} from "./projection.ts";
import type { Shape } from "./shape.ts";
import type { PlacedTile } from "./tiles.ts";
import { fontOf, type MapName } from "./vector/names.ts";

export interface Scene {
  content: MapContent;
  view: View;
  size: Size;
  colors: Colors;
  tiles: readonly PlacedTile[];
  /** The names of the base map that have room. */
  names: readonly MapName[];
  /** The camera that is pointed at, here or in a list. */
  highlighted: string | null;
}

const FULL_TURN = 2 * Math.PI;
const MARK_PX = 13;
const HEAD_PX = 9;
const FONT = "600 13px system-ui, sans-serif";
/** Half the width of a dot. A far one is a square, which is drawn faster, and looks the same. */
const FAR_PX = 2.5;
const NEAR_PX = 4.5;
/** From this scale on, dots are larger, because they no longer cover each other. */
const NEAR_SCALE = 256 * 2 ** 12;

export function drawMap(to: CanvasRenderingContext2D, scene: Scene): void {
  const { size, colors, content } = scene;
  const point = (place: Place) => screenOf(worldOf(place), scene.view, size);
  to.fillStyle = colors.ground;
  to.fillRect(0, 0, size.width, size.height);
  drawTiles(to, scene.tiles);
  if (scene.names.length > 0) drawNames(to, scene);
  to.font = FONT;
  to.textAlign = "center";
  to.textBaseline = "middle";
  if (content.shape !== null) drawShape(to, content.shape, scene, point);
  drawDots(to, scene);
  for (const label of content.labels) drawText(to, point(label.place), label.text, colors);
  const legs = content.legs.flatMap((leg) => {
    const ends = arrow(point(leg.from), point(leg.to), MARK_PX);
    return ends === null ? [] : [{ leg, ends }];
  });
  for (const { leg, ends } of legs) drawArrow(to, ends, leg, colors);
  // After all arrows, so that none strikes through the text of another leg.
  for (const { leg, ends } of legs) if (leg.text) drawLegText(to, ends, leg, colors);
  for (const mark of content.marks) {
    drawMark(to, mark, colors, point, mark.id === scene.highlighted);
  }
  if (content.traveller !== null) drawTraveller(to, point(content.traveller), colors);
}

/** Draw tiles to whole pixels of the device: between others, the ground would shine through. */
function drawTiles(to: CanvasRenderingContext2D, tiles: readonly PlacedTile[]): void {
  const ratio = to.getTransform().a;
  const whole = (px: number) => Math.round(px * ratio) / ratio;
  for (const { image, x, y, sidePx } of tiles) {
    const [left, top] = [whole(x), whole(y)];
    to.drawImage(image, left, top, whole(x + sidePx) - left, whole(y + sidePx) - top);
  }
}

function drawNames(to: CanvasRenderingContext2D, { names, view, size, colors }: Scene): void {
  to.textAlign = "center";
  to.textBaseline = "middle";
  to.lineJoin = "round";
  to.lineWidth = 3;
  to.strokeStyle = colors.ground;
  const base = to.getTransform();
  for (const name of names) {
    const { x, y } = screenOf(name, view, size);
    const farPx = name.widthPx;
    if (x < -farPx || y < -farPx || x > size.width + farPx || y > size.height + farPx) continue;
    to.font = fontOf(name.sizePx, name.isStreet);
    to.fillStyle = name.isStreet ? colors.quiet : colors.ink;
    to.translate(x, y);
    if (name.angle !== 0) to.rotate(name.angle);
    to.strokeText(name.text, 0, 0);
    to.fillText(name.text, 0, 0);
    to.setTransform(base);
  }
  to.lineJoin = "miter";
}

function drawDots(to: CanvasRenderingContext2D, scene: Scene): void {
  const { content, view, colors } = scene;
  const radius = view.scale < NEAR_SCALE ? FAR_PX : NEAR_PX;
  for (const tone of TONES) {
    const dots = content.dots.filter((dot) => dot.tone === tone);
    to.fillStyle = colors.tones[tone];
    fillDots(to, dots, radius, scene);
  }
  for (const dot of content.dots) {
    if (dot.id === scene.highlighted) drawRing(to, dot, 11, colors.ink, scene);
    else if (content.ringed.has(dot.id)) drawRing(to, dot, 9, colors.tones.warned, scene);
  }
}

/** Fill all dots as one path: a path for each of thousands would be slow. */
function fillDots(
  to: CanvasRenderingContext2D,
  dots: readonly Dot[],
  radius: number,
  { view, size }: Scene,
): void {
  to.beginPath();
  for (const dot of dots) {
    const { x, y } = screenOf(dot.world, view, size);
    const isOutside = x < -radius || y < -radius || x > size.width + radius;
    if (isOutside || y > size.height + radius) continue;
    if (radius < NEAR_PX) to.rect(x - radius, y - radius, 2 * radius, 2 * radius);
    else {
      to.moveTo(x + radius, y);
      to.arc(x, y, radius, 0, FULL_TURN);
    }
  }
  to.fill();
}

function drawRing(
  to: CanvasRenderingContext2D,
  dot: Dot,
  radius: number,
  color: string,
  { view, size }: Scene,
): void {
  const { x, y } = screenOf(dot.world, view, size);
  to.beginPath();
  to.arc(x, y, radius, 0, FULL_TURN);
  to.strokeStyle = color;
  to.lineWidth = 2;
  to.stroke();
}

type Ends = NonNullable<ReturnType<typeof arrow>>;

function colorOf(leg: Leg, { tones }: Colors): string {
  return leg.isImpossible ? tones.bad : tones.accent;
}

function drawArrow(
  to: CanvasRenderingContext2D,
  [start, end]: Ends,
  leg: Leg,
  colors: Colors,
): void {
  const color = colorOf(leg, colors);
  const angle = Math.atan2(end.y - start.y, end.x - start.x);
  to.strokeStyle = color;
  to.fillStyle = color;
  to.lineWidth = 2.5;
  to.setLineDash(leg.isImpossible ? [7, 5] : []);
  to.beginPath();
  to.moveTo(start.x, start.y);
  to.lineTo(end.x, end.y);
  to.stroke();
  to.setLineDash([]);
  to.beginPath();
  to.moveTo(end.x, end.y);
  for (const side of [-0.4, 0.4]) {
    to.lineTo(end.x - HEAD_PX * Math.cos(angle + side), end.y - HEAD_PX * Math.sin(angle + side));
  }
  to.fill();
}

function drawLegText(
  to: CanvasRenderingContext2D,
  [start, end]: Ends,
  leg: Leg,
  colors: Colors,
): void {
  const middle = { x: (start.x + end.x) / 2, y: (start.y + end.y) / 2 };
  drawText(to, middle, leg.text, colors, colorOf(leg, colors));
}

function drawMark(
  to: CanvasRenderingContext2D,
  mark: Mark,
  colors: Colors,
  point: (place: Place) => Point,
  isHighlighted: boolean,
): void {
  const { x, y } = point(mark.place);
  const half = Math.max(MARK_PX, to.measureText(mark.text).width / 2 + 6);
  to.beginPath();
  to.roundRect(x - half, y - MARK_PX, 2 * half, 2 * MARK_PX, MARK_PX);
  to.fillStyle = colors.tones.accent;
  to.fill();
  to.lineWidth = isHighlighted ? 4 : 1.5;
  to.strokeStyle = isHighlighted ? colors.ink : colors.ground;
  to.stroke();
  to.fillStyle = colors.onAccent;
  to.fillText(mark.text, x, y);
}

function drawText(
  to: CanvasRenderingContext2D,
  { x, y }: Point,
  text: Label["text"],
  colors: Colors,
  color = colors.ink,
): void {
  to.lineWidth = 4;
  to.strokeStyle = colors.ground;
  to.strokeText(text, x, y);
  to.fillStyle = color;
  to.fillText(text, x, y);
}

function drawTraveller(to: CanvasRenderingContext2D, { x, y }: Point, colors: Colors): void {
  to.beginPath();
  to.arc(x, y, 8, 0, FULL_TURN);
  to.fillStyle = colors.tones.warned;
  to.fill();
  to.lineWidth = 3;
  to.strokeStyle = colors.ground;
  to.stroke();
}

function drawShape(
  to: CanvasRenderingContext2D,
  shape: Shape,
  { view, colors }: Scene,
  point: (place: Place) => Point,
): void {
  to.beginPath();
  if (shape.kind === "circle") {
    const { x, y } = point(shape.centre);
    to.arc(x, y, pixelsOf(shape.radiusM, shape.centre.lat, view.scale), 0, FULL_TURN);
  } else {
    for (const { x, y } of shape.corners.map(point)) to.lineTo(x, y);
    to.closePath();
  }
  to.globalAlpha = 0.12;
  to.fillStyle = colors.tones.accent;
  to.fill();
  to.globalAlpha = 1;
  to.lineWidth = 2;
  to.strokeStyle = colors.tones.accent;
  to.stroke();
}
