// The tiles of a base map: which ones a view needs, and their pictures as they arrive.
import { type Point, type Size, TILE_PX, type View, worldAt } from "./projection.ts";
import type { MapName } from "./vector/names.ts";
import type { Schema } from "./vector/schemas.ts";
import { VECTOR_TILE_PX } from "./vector/tile-area.ts";

export interface TileId {
  zoom: number;
  column: number;
  row: number;
}
/** A tile, and the side of its picture as CSS pixels. */
export interface WantedTile extends TileId {
  sidePx: number;
}
export interface TilePicture {
  image: CanvasImageSource;
  /** The names that are drawn over the pictures of all tiles; raster tiles have theirs inside. */
  names: readonly MapName[];
}
export interface PlacedTile extends Point, TilePicture {
  sidePx: number;
}

/** Where the tiles of a base map are, and which zooms it has. */
export interface TileSource {
  /** An address with `{z}`, `{x}` and `{y}`. */
  template: string;
  leastZoom: number;
  /** The last zoom of which there are pictures. */
  mostZoom: number;
  /** The last zoom of which there is data: vector tiles are drawn at any zoom behind it. */
  dataZoom: number;
  /** The side of a tile at its own size, as CSS pixels. */
  tilePx: number;
  /** The schema of vector tiles; null for raster tiles. */
  schema: Schema | null;
}

/** Fetches the picture of a tile; null where the map has none. */
export type FetchTile = (tile: WantedTile, signal: AbortSignal) => Promise<TilePicture | null>;

const MOST_ZOOM = 19;
const MOST_DRAWN_ZOOM = 24;
/** Pictures of vector tiles are drawn in so many sizes for each zoom, so that they stay sharp. */
const SIZES_OF_A_ZOOM = 4;
/** The CSS pixels of the pictures that are kept at least. */
const LEAST_KEPT_PX = 300 * TILE_PX ** 2;
/** A tile that could not be loaded is requested again at the first drawing after this time. */
const RETRY_MS = 5_000;

/** Return the source of a site's tiles; the zooms of a server of tiles are not known. */
export function tileSource(
  template: string,
  zooms: readonly number[] | null,
  schema: Schema | null = null,
): TileSource {
  const [leastZoom = 0, dataZoom = MOST_ZOOM] = zooms ?? [];
  const isVector = schema !== null;
  const mostZoom = isVector ? MOST_DRAWN_ZOOM : dataZoom;
  return {
    template,
    leastZoom,
    mostZoom,
    dataZoom,
    tilePx: isVector ? VECTOR_TILE_PX : TILE_PX,
    schema,
  };
}

/**
 * Return the tiles that a view needs, from the zoom whose tiles are nearest to their own size. Where
 * the map ends, the tiles of its last zoom are enlarged. Below its first zoom there are none.
 */
export function tilesOf(view: View, size: Size, source: TileSource): WantedTile[] {
  const wanted = Math.max(0, Math.round(Math.log2(view.scale / source.tilePx)));
  if (wanted < source.leastZoom) return [];
  const zoom = Math.min(source.mostZoom, wanted);
  const sidePx = pictureSide(view.scale / 2 ** zoom, source);
  const count = 2 ** zoom;
  const first = worldAt({ x: 0, y: 0 }, view, size);
  const last = worldAt({ x: size.width, y: size.height }, view, size);
  const index = (part: number) => Math.min(count - 1, Math.max(0, Math.floor(part * count)));
  const found: WantedTile[] = [];
  for (let row = index(first.y); row <= index(last.y); row += 1) {
    for (let column = index(first.x); column <= index(last.x); column += 1) {
      found.push({ zoom, column, row, sidePx });
    }
  }
  return found;
}

/** Return the side of a picture that is shown with a side of `shownPx`. */
function pictureSide(shownPx: number, { schema, tilePx }: TileSource): number {
  if (schema === null) return tilePx;
  const step = Math.round(SIZES_OF_A_ZOOM * Math.log2(shownPx / tilePx));
  return Math.round(tilePx * 2 ** (step / SIZES_OF_A_ZOOM));
}

/** Return the address of a tile by a template such as `/tiles/{z}/{x}/{y}.png`. */
export function addressOfTile(template: string, { zoom, column, row }: TileId): string {
  return template.replace("{z}", `${zoom}`).replace("{x}", `${column}`).replace("{y}", `${row}`);
}

interface KeptTile {
  /** Null while it is fetched, and where the map has no picture. */
  picture: TilePicture | null;
  isPending: boolean;
  /** When it could not be loaded; null while it is fetched, and if it was. */
  failedMs: number | null;
  ending: AbortController;
}

/** Fetches tiles, and keeps those that were used last. */
export class TileCache {
  private readonly source: TileSource;
  private readonly fetchTile: FetchTile;
  private readonly onChange: () => void;
  private readonly kept = new Map<string, KeptTile>();
  /** How many tiles are kept: at least those of two views of the size that is shown. */
  private most = 0;
  /** The tiles of the last view that was complete; they are shown below those that arrive. */
  private backdrop: readonly WantedTile[] = [];
  /** Whether a tile could not be loaded. */
  hasFailed = false;

  constructor(source: TileSource, fetchTile: FetchTile, onChange: () => void) {
    this.source = source;
    this.fetchTile = fetchTile;
    this.onChange = onChange;
  }

  /**
   * Return the tiles of a view that are loaded, and request the others. While some are pending, what
   * was shown before is below them.
   */
  placed(view: View, size: Size): PlacedTile[] {
    const ids = tilesOf(view, size, this.source);
    const leastKept = Math.ceil(LEAST_KEPT_PX / (ids[0]?.sidePx ?? this.source.tilePx) ** 2);
    this.most = Math.max(leastKept, 2 * ids.length + this.backdrop.length);
    const below = this.backdrop.flatMap((id) => {
      const known = this.kept.get(keyOf(id));
      return known ? this.placedAt(id, this.use(id, known), view, size) : [];
    });
    this.forgetAllPendingBut(new Set(ids.map(keyOf)));
    const tiles = ids.map((id) => [id, this.tile(id)] as const);
    const isComplete = tiles.every(([, tile]) => !tile.isPending);
    if (isComplete) this.backdrop = ids;
    const loaded = tiles.flatMap(([id, tile]) => this.placedAt(id, tile, view, size));
    return isComplete ? loaded : [...below, ...loaded];
  }

  /** Fetch nothing more. */
  end(): void {
    for (const tile of this.kept.values()) release(tile);
    this.kept.clear();
  }

  private placedAt(id: WantedTile, { picture }: KeptTile, view: View, size: Size): PlacedTile[] {
    if (picture === null) return [];
    const sidePx = view.scale / 2 ** id.zoom;
    const x = size.width / 2 + id.column * sidePx - view.centre.x * view.scale;
    const y = size.height / 2 + id.row * sidePx - view.centre.y * view.scale;
    return [{ ...picture, x, y, sidePx }];
  }

  private tile(id: WantedTile): KeptTile {
    const known = this.kept.get(keyOf(id));
    const isUsable =
      known !== undefined && (known.failedMs === null || Date.now() - known.failedMs < RETRY_MS);
    const tile = this.use(id, isUsable ? known : this.fetch(id));
    const [oldest] = this.kept;
    if (this.kept.size > this.most && oldest !== undefined) {
      this.kept.delete(oldest[0]);
      release(oldest[1]);
    }
    return tile;
  }

  /** Keep a tile as the one that was used last: the order of a Map is that of insertion. */
  private use(id: WantedTile, tile: KeptTile): KeptTile {
    const key = keyOf(id);
    this.kept.delete(key);
    this.kept.set(key, tile);
    return tile;
  }

  /** End the requests of views that were left before their tiles had arrived. */
  private forgetAllPendingBut(wanted: ReadonlySet<string>): void {
    for (const [key, tile] of this.kept) {
      if (!tile.isPending || wanted.has(key)) continue;
      this.kept.delete(key);
      release(tile);
    }
  }

  private fetch(id: WantedTile): KeptTile {
    const tile: KeptTile = {
      picture: null,
      isPending: true,
      failedMs: null,
      ending: new AbortController(),
    };
    const { signal } = tile.ending;
    this.fetchTile(id, signal).then(
      (picture) => {
        if (signal.aborted) {
          close(picture);
          return;
        }
        tile.picture = picture;
        tile.isPending = false;
        this.onChange();
      },
      () => {
        if (signal.aborted) return;
        this.hasFailed = true;
        tile.isPending = false;
        tile.failedMs = Date.now();
        this.onChange();
      },
    );
    return tile;
  }
}

function keyOf({ zoom, column, row, sidePx }: WantedTile): string {
  return `${zoom}/${column}/${row}/${sidePx}`;
}

function release(tile: KeptTile): void {
  tile.ending.abort();
  close(tile.picture);
}

/** Free the memory of a picture now: the garbage collector does not see its size. */
function close(picture: TilePicture | null): void {
  if (picture !== null && "close" in picture.image) picture.image.close();
}
