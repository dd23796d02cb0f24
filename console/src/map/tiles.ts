// The tiles of a base map: which ones a view needs, and their pictures as they arrive.
import { type Point, type Size, TILE_PX, type View, worldAt } from "./projection.ts";

export interface TileId {
  zoom: number;
  column: number;
  row: number;
}
export interface PlacedTile extends Point {
  image: CanvasImageSource;
  sidePx: number;
}

/** Where the tiles of a base map are, and which zooms it has. */
export interface TileSource {
  /** An address with `{z}`, `{x}` and `{y}`. */
  template: string;
  leastZoom: number;
  mostZoom: number;
}

/** Fetches the picture of a tile; null where the map has none. */
export type FetchTile = (address: string, signal: AbortSignal) => Promise<CanvasImageSource | null>;

const MOST_ZOOM = 19;
const LEAST_KEPT = 300;
/** A tile that could not be loaded is requested again at the first drawing after this time. */
const RETRY_MS = 5_000;

/** Return the source of a site's tiles; the zooms of a server of tiles are not known. */
export function tileSource(template: string, zooms: readonly number[] | null): TileSource {
  const [leastZoom = 0, mostZoom = MOST_ZOOM] = zooms ?? [];
  return { template, leastZoom, mostZoom };
}

/**
 * Return the tiles that a view needs, from the zoom whose tiles are nearest to their own size. Where
 * the map ends, the tiles of its last zoom are enlarged. Below its first zoom there are none.
 */
export function tilesOf(view: View, size: Size, source: TileSource): TileId[] {
  const wanted = Math.max(0, Math.round(Math.log2(view.scale / TILE_PX)));
  if (wanted < source.leastZoom) return [];
  const zoom = Math.min(source.mostZoom, wanted);
  const count = 2 ** zoom;
  const first = worldAt({ x: 0, y: 0 }, view, size);
  const last = worldAt({ x: size.width, y: size.height }, view, size);
  const index = (part: number) => Math.min(count - 1, Math.max(0, Math.floor(part * count)));
  const found: TileId[] = [];
  for (let row = index(first.y); row <= index(last.y); row += 1) {
    for (let column = index(first.x); column <= index(last.x); column += 1) {
      found.push({ zoom, column, row });
    }
  }
  return found;
}

/** Return the address of a tile by a template such as `/tiles/{z}/{x}/{y}.png`. */
export function addressOfTile(template: string, { zoom, column, row }: TileId): string {
  return template.replace("{z}", `${zoom}`).replace("{x}", `${column}`).replace("{y}", `${row}`);
}

interface KeptTile {
  /** Null while it is fetched, and where the map has no picture. */
  image: CanvasImageSource | null;
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
  private most = LEAST_KEPT;
  /** Whether a tile could not be loaded. */
  hasFailed = false;

  constructor(source: TileSource, fetchTile: FetchTile, onChange: () => void) {
    this.source = source;
    this.fetchTile = fetchTile;
    this.onChange = onChange;
  }

  /** Return the tiles of a view that are loaded, and request the others. */
  placed(view: View, size: Size): PlacedTile[] {
    const tiles = tilesOf(view, size, this.source);
    this.most = Math.max(LEAST_KEPT, 2 * tiles.length);
    return tiles.flatMap((tile) => {
      const { image } = this.tile(addressOfTile(this.source.template, tile));
      if (image === null) return [];
      const sidePx = view.scale / 2 ** tile.zoom;
      const x = size.width / 2 + tile.column * sidePx - view.centre.x * view.scale;
      const y = size.height / 2 + tile.row * sidePx - view.centre.y * view.scale;
      return [{ image, x, y, sidePx }];
    });
  }

  /** Fetch nothing more. */
  end(): void {
    for (const { ending } of this.kept.values()) ending.abort();
    this.kept.clear();
  }

  private tile(address: string): KeptTile {
    const known = this.kept.get(address);
    const isUsable =
      known !== undefined && (known.failedMs === null || Date.now() - known.failedMs < RETRY_MS);
    const tile = isUsable ? known : this.fetch(address);
    // The order of a Map is that of insertion, so the first one is the one used longest ago.
    this.kept.delete(address);
    this.kept.set(address, tile);
    const [oldest] = this.kept;
    if (this.kept.size > this.most && oldest !== undefined) {
      this.kept.delete(oldest[0]);
      oldest[1].ending.abort();
    }
    return tile;
  }

  private fetch(address: string): KeptTile {
    const tile: KeptTile = { image: null, failedMs: null, ending: new AbortController() };
    const { signal } = tile.ending;
    this.fetchTile(address, signal).then(
      (image) => {
        tile.image = image;
        if (!signal.aborted) this.onChange();
      },
      () => {
        if (signal.aborted) return;
        this.hasFailed = true;
        tile.failedMs = Date.now();
        this.onChange();
      },
    );
    return tile;
  }
}
