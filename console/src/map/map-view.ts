// A map on a canvas: it keeps what is shown, follows pointer and keys, and draws when needed.
import type { Language } from "../shell/preferences.ts";
import { BaseMap } from "./base-map.ts";
import { type Colors, colorsOf } from "./colors.ts";
import { drawMap } from "./draw-map.ts";
import { EMPTY_CONTENT, type MapContent, placesOf } from "./map-content.ts";
import {
  moved,
  type Place,
  type Point,
  placeOf,
  type Size,
  screenOf,
  type View,
  viewOf,
  worldAt,
  worldOf,
  zoomed,
} from "./projection.ts";
import { circleThrough, MOST_CORNERS, polygonOf, type Shape } from "./shape.ts";
import type { TileSource } from "./tiles.ts";

export interface MapListener {
  /** The camera under the pointer; null if there is none. */
  onHover: (id: string | null, at: Point) => void;
  onPick: (id: string) => void;
  onShape: (shape: Shape) => void;
  onTilesFail: () => void;
}

export type Drawing = "circle" | "polygon" | null;

const MARGIN_PX = 50;
const PICK_PX = 14;
/** A pointer that moves less between down and up has clicked. */
const CLICK_PX = 5;
const KEY_STEP_PX = 80;
const ZOOM_STEP = 1.5;

export class MapView {
  drawing: Drawing = null;
  private readonly canvas: HTMLCanvasElement;
  private readonly context: CanvasRenderingContext2D;
  private readonly listener: MapListener;
  private readonly tiles: TileSource | null;
  private readonly base: BaseMap | null;
  private readonly ending = new AbortController();
  private readonly resizing: ResizeObserver;
  private content: MapContent = EMPTY_CONTENT;
  private size: Size = { width: 0, height: 0 };
  private view: View = viewOf([], { width: 1, height: 1 }, 0);
  private colors: Colors;
  private language: Language;
  private highlighted: string | null = null;
  private isFitted = false;
  private frame = 0;
  private readonly pointers = new Map<number, Point>();
  private travelledPx = 0;
  private corners: Place[] = [];
  private draft: Shape | null = null;

  constructor(
    canvas: HTMLCanvasElement,
    tiles: TileSource | null,
    language: Language,
    listener: MapListener,
  ) {
    const context = canvas.getContext("2d", { alpha: false });
    if (context === null) throw new Error("this browser has no canvas");
    this.canvas = canvas;
    this.context = context;
    this.listener = listener;
    this.tiles = tiles;
    this.language = language;
    this.colors = this.presentColors();
    this.base = tiles && new BaseMap(tiles, (hasFailed) => this.baseChanged(hasFailed));
    this.resizing = new ResizeObserver(() => this.resize());
    this.resizing.observe(canvas);
    this.listen();
  }

  end(): void {
    this.ending.abort();
    this.base?.end();
    this.resizing.disconnect();
    cancelAnimationFrame(this.frame);
  }

  show(content: MapContent): void {
    this.content = content;
    if (!this.isFitted) this.fit();
    this.draw();
  }

  highlight(id: string | null): void {
    this.highlighted = id;
    this.draw();
  }

  /** Show everything that matters. */
  fit(): void {
    const places = placesOf(this.content);
    if (this.size.width === 0 || places.length === 0) return;
    this.view = viewOf(places, this.size, MARGIN_PX);
    this.isFitted = true;
    this.draw();
  }

  zoom(factor: number, at: Point = this.middle()): void {
    this.view = zoomed(this.view, factor, at, this.size);
    this.draw();
  }

  /** Return the circle that fills what is shown, for people who do not draw. */
  visibleCircle(): Shape {
    const middle = this.middle();
    const radiusPx = Math.min(middle.x, middle.y);
    return circleThrough(this.placeAt(middle), this.placeAt({ ...middle, x: middle.x + radiusPx }));
  }

  /** Take the colours of the theme again, because it has changed. */
  recolor(): void {
    this.colors = this.presentColors();
    this.draw();
  }

  /** Show the names of the base map in a language. */
  speak(language: Language): void {
    this.language = language;
    this.draw();
  }

  /** Complete a polygon that is being drawn. */
  finish(): void {
    const shape = polygonOf(this.corners);
    this.cancel();
    if (shape !== null) this.listener.onShape(shape);
  }

  /** Forget a shape that is being drawn. */
  cancel(): void {
    this.corners = [];
    this.draft = null;
    this.draw();
  }

  private listen(): void {
    const { canvas, ending } = this;
    const on = <Name extends keyof HTMLElementEventMap>(
      name: Name,
      act: (event: HTMLElementEventMap[Name]) => void,
    ) => canvas.addEventListener(name, act, { signal: ending.signal });
    on("pointerdown", (event) => this.press(event));
    on("pointermove", (event) => this.move(event));
    on("pointerup", (event) => this.release(event));
    on("pointercancel", (event) => this.pointers.delete(event.pointerId));
    on("pointerleave", (event) => this.listener.onHover(null, pointOf(event)));
    on("dblclick", () => this.finish());
    on("keydown", (event) => this.pressKey(event));
    canvas.addEventListener("wheel", (event) => this.turnWheel(event), {
      signal: ending.signal,
      passive: false,
    });
  }

  private press(event: PointerEvent): void {
    this.canvas.setPointerCapture(event.pointerId);
    this.pointers.set(event.pointerId, pointOf(event));
    this.travelledPx = 0;
    if (this.drawing === "circle") this.corners = [this.placeAt(pointOf(event))];
  }

  private move(event: PointerEvent): void {
    const at = pointOf(event);
    const before = this.pointers.get(event.pointerId);
    if (before === undefined) {
      this.followPointer(at);
      return;
    }
    this.travelledPx += Math.hypot(at.x - before.x, at.y - before.y);
    if (this.drawing === "circle") this.followPointer(at);
    else this.drag(event.pointerId, before, at);
    this.pointers.set(event.pointerId, at);
  }

  /** One pointer moves the map, and two also enlarge it. */
  private drag(pointer: number, before: Point, at: Point): void {
    const [other] = [...this.pointers].filter(([id]) => id !== pointer).map(([, point]) => point);
    if (other === undefined) this.view = moved(this.view, at.x - before.x, at.y - before.y);
    else {
      const factor = distance(other, at) / Math.max(1, distance(other, before));
      this.view = zoomed(this.view, factor, other, this.size);
    }
    this.draw();
  }

  private release(event: PointerEvent): void {
    this.pointers.delete(event.pointerId);
    const at = pointOf(event);
    const [centre] = this.corners;
    if (this.drawing === "circle" && centre !== undefined) {
      this.cancel();
      this.listener.onShape(circleThrough(centre, this.placeAt(at)));
      return;
    }
    if (this.travelledPx > CLICK_PX) return;
    if (this.drawing === "polygon") this.addCorner(this.placeAt(at));
    else {
      const id = this.cameraAt(at);
      if (id !== null) this.listener.onPick(id);
    }
  }

  private addCorner(corner: Place): void {
    this.corners.push(corner);
    this.draft = { kind: "polygon", corners: this.corners };
    if (this.corners.length === MOST_CORNERS) this.finish();
    this.draw();
  }

  private followPointer(at: Point): void {
    const [centre] = this.corners;
    if (centre !== undefined && this.drawing !== null) {
      const place = this.placeAt(at);
      this.draft =
        this.drawing === "circle"
          ? circleThrough(centre, place)
          : { kind: "polygon", corners: [...this.corners, place] };
      this.draw();
      return;
    }
    this.listener.onHover(this.cameraAt(at), at);
  }

  private turnWheel(event: WheelEvent): void {
    event.preventDefault();
    this.zoom(2 ** (-event.deltaY / 300), pointOf(event));
  }

  private pressKey(event: KeyboardEvent): void {
    const steps: Record<string, () => void> = {
      ArrowLeft: () => this.moveBy(KEY_STEP_PX, 0),
      ArrowRight: () => this.moveBy(-KEY_STEP_PX, 0),
      ArrowUp: () => this.moveBy(0, KEY_STEP_PX),
      ArrowDown: () => this.moveBy(0, -KEY_STEP_PX),
      "+": () => this.zoom(ZOOM_STEP),
      "-": () => this.zoom(1 / ZOOM_STEP),
      Home: () => this.fit(),
      Enter: () => this.finish(),
      Escape: () => this.cancel(),
    };
    const step = steps[event.key];
    if (step === undefined) return;
    event.preventDefault();
    step();
  }

  private moveBy(byX: number, byY: number): void {
    this.view = moved(this.view, byX, byY);
    this.draw();
  }

  /** Return the camera nearest to a point; null if none is near. Marks are before dots. */
  private cameraAt(at: Point): string | null {
    const { marks, dots } = this.content;
    let found: string | null = null;
    let nearestPx = PICK_PX;
    const look = (id: string, world: Point, bonusPx: number) => {
      const awayPx = distance(screenOf(world, this.view, this.size), at) - bonusPx;
      if (awayPx >= nearestPx) return;
      nearestPx = awayPx;
      found = id;
    };
    for (const mark of marks) look(mark.id, worldOf(mark.place), PICK_PX);
    for (const dot of dots) look(dot.id, dot.world, 0);
    return found;
  }

  private placeAt(at: Point): Place {
    return placeOf(worldAt(at, this.view, this.size));
  }

  private middle(): Point {
    return { x: this.size.width / 2, y: this.size.height / 2 };
  }

  private resize(): void {
    const { clientWidth, clientHeight } = this.canvas;
    const ratio = window.devicePixelRatio;
    this.size = { width: clientWidth, height: clientHeight };
    this.canvas.width = Math.round(clientWidth * ratio);
    this.canvas.height = Math.round(clientHeight * ratio);
    if (!this.isFitted) this.fit();
    this.draw();
  }

  private baseChanged(hasFailed: boolean): void {
    if (hasFailed) this.listener.onTilesFail();
    this.draw();
  }

  /** Return the colours of the theme. Where vector tiles are loaded, the ground is their land. */
  private presentColors(): Colors {
    const colors = colorsOf(this.canvas.parentElement ?? this.canvas);
    const isPlain = this.tiles === null || this.tiles.schema === null;
    return isPlain ? colors : { ...colors, ground: colors.palette.land };
  }

  private draw(): void {
    if (this.frame !== 0) return;
    this.frame = requestAnimationFrame(() => {
      this.frame = 0;
      this.drawNow();
    });
  }

  private drawNow(): void {
    const { view, size, colors, highlighted } = this;
    if (size.width === 0) return;
    const content = this.draft === null ? this.content : { ...this.content, shape: this.draft };
    const ratio = window.devicePixelRatio;
    this.base?.dress({ palette: colors.palette, language: this.language, ratio });
    const { tiles, names } = this.base?.placed(view, size) ?? { tiles: [], names: [] };
    this.context.setTransform(ratio, 0, 0, ratio, 0, 0);
    drawMap(this.context, { content, view, size, colors, tiles, names, highlighted });
  }
}

function pointOf(event: MouseEvent): Point {
  return { x: event.offsetX, y: event.offsetY };
}

function distance(one: Point, other: Point): number {
  return Math.hypot(one.x - other.x, one.y - other.y);
}
