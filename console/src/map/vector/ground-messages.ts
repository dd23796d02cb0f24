// What a page and the worker that draws vector tiles send to each other.
import type { Language } from "../../shell/preferences.ts";
import type { TileId } from "../tiles.ts";
import type { GroundPalette } from "./ground-style.ts";
import type { MapName } from "./names.ts";
import type { Schema } from "./schemas.ts";

export type PageMessage =
  | {
      kind: "draw";
      id: number;
      tile: TileId;
      data: TileId;
      /** The content of the tile `data`. */
      content: ArrayBuffer;
      schema: Schema;
      palette: GroundPalette;
      language: Language;
      sidePx: number;
      ratio: number;
    }
  | { kind: "cancel"; id: number };

export type WorkerMessage =
  | { id: number; image: ImageBitmap; names: MapName[] }
  | { id: number; fault: string };
