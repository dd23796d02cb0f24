// The ground of a map: tiles, and the names over vector tiles, in the look of the page.
import type { Language } from "../shell/preferences.ts";
import { rasterTiles } from "./fetch-tile.ts";
import type { Size, View } from "./projection.ts";
import { type FetchTile, type PlacedTile, TileCache, type TileSource } from "./tiles.ts";
import { GROUND_COLORS, type GroundPalette } from "./vector/ground-style.ts";
import type { MapName } from "./vector/names.ts";
import { placedNames } from "./vector/placed-names.ts";

/** What the look of vector tiles depends on; raster tiles are always the same. */
export interface Look {
  palette: GroundPalette;
  language: Language;
  /** Pixels of the device for a CSS pixel. */
  ratio: number;
}

export interface PlacedGround {
  tiles: readonly PlacedTile[];
  names: readonly MapName[];
}

const NOTHING: PlacedGround = { tiles: [], names: [] };

export class BaseMap {
  private readonly source: TileSource;
  private readonly onChange: (hasFailed: boolean) => void;
  private tiles: TileCache | null = null;
  private look: Look | null = null;
  /** The names that had room in the last view, and of which pictures and scale. */
  private names: readonly MapName[] = [];
  private namesOf: { scale: number; pictures: readonly CanvasImageSource[] } | null = null;

  constructor(source: TileSource, onChange: (hasFailed: boolean) => void) {
    this.source = source;
    this.onChange = onChange;
  }

  /** Show the ground in a look; vector tiles are drawn again if it is another one. */
  dress(look: Look): void {
    const isSame = this.look !== null && isSameLook(look, this.look);
    if (this.tiles !== null && (isSame || this.source.schema === null)) return;
    this.look = look;
    this.tiles?.end();
    const tiles = new TileCache(this.source, fetcher(this.source, look), () =>
      this.onChange(tiles.hasFailed),
    );
    this.tiles = tiles;
  }

  /** Return what a view shows of the ground. */
  placed(view: View, size: Size): PlacedGround {
    if (this.tiles === null) return NOTHING;
    const tiles = this.tiles.placed(view, size);
    if (this.source.schema !== null) this.placeNames(tiles, view.scale);
    return { tiles, names: this.names };
  }

  end(): void {
    this.tiles?.end();
  }

  /** Names keep their distances while a map is only moved, so they are placed once. */
  private placeNames(tiles: readonly PlacedTile[], scale: number): void {
    const pictures = tiles.map((tile) => tile.image);
    const known = this.namesOf;
    if (
      known !== null &&
      known.scale === scale &&
      known.pictures.length === pictures.length &&
      known.pictures.every((picture, at) => picture === pictures[at])
    ) {
      return;
    }
    this.namesOf = { scale, pictures };
    this.names = placedNames(
      tiles.flatMap((tile) => tile.names),
      scale,
    );
  }
}

function isSameLook(one: Look, other: Look): boolean {
  return (
    one.language === other.language &&
    one.ratio === other.ratio &&
    GROUND_COLORS.every((name) => one.palette[name] === other.palette[name])
  );
}

/** Return what fetches tiles; the scripts for vector tiles are loaded for the first one. */
function fetcher(source: TileSource, look: Look): FetchTile {
  const { schema } = source;
  if (schema === null) return rasterTiles(source);
  return async (tile, signal) => {
    const { fetchVectorTile } = await import("./vector/fetch-vector-tile.ts");
    return await fetchVectorTile(source, { schema, ...look }, tile, signal);
  };
}
