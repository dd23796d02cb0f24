// Fetches vector tiles from the API, and has them drawn.
import type { Language } from "../../shell/preferences.ts";
import { requestTile } from "../fetch-tile.ts";
import { addressOfTile, type TilePicture, type TileSource, type WantedTile } from "../tiles.ts";
import { drawTile } from "./ground-client.ts";
import type { GroundPalette } from "./ground-style.ts";
import { limitedContent } from "./limited-content.ts";
import type { Schema } from "./schemas.ts";
import { dataTile } from "./tile-area.ts";

/** How tiles are drawn. */
export interface GroundLook {
  schema: Schema;
  palette: GroundPalette;
  language: Language;
  /** Pixels of the device for a CSS pixel. */
  ratio: number;
}

/** A hostile file could make a tile very large by compression. The API expands no larger ones. */
const MOST_BYTES = 16 * 2 ** 20;
const KEPT_CONTENTS = 48;

/** The content of the tiles that were used last: many pictures can be of one of them. */
const contents = new Map<string, Promise<ArrayBuffer | null>>();

/** Return the picture and the names of a tile; null where the map has none. */
export async function fetchVectorTile(
  source: TileSource,
  look: GroundLook,
  tile: WantedTile,
  signal: AbortSignal,
): Promise<TilePicture | null> {
  const data = dataTile(tile, source.dataZoom);
  const content = await contentOf(addressOfTile(source.template, data));
  signal.throwIfAborted();
  if (content === null) return null;
  return await drawTile({ tile, data, content, sidePx: tile.sidePx, ...look }, signal);
}

function contentOf(address: string): Promise<ArrayBuffer | null> {
  const content = contents.get(address) ?? fetchContent(address);
  // The order of a Map is that of insertion, so the first one is the one used longest ago.
  contents.delete(address);
  contents.set(address, content);
  const [oldest] = contents.keys();
  if (contents.size > KEPT_CONTENTS && oldest !== undefined) contents.delete(oldest);
  content.catch(() => contents.delete(address));
  return content;
}

/** The request is not ended with one picture, because others may need the same content. */
async function fetchContent(address: string): Promise<ArrayBuffer | null> {
  const response = await requestTile(address, new AbortController().signal);
  return response === null ? null : await limitedContent(response, MOST_BYTES);
}
