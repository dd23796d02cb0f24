// Fetches a tile of the base map: from the API with the headers of the person, or from its server.
import { reported, send } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import { addressOfTile, type FetchTile, type TileSource } from "./tiles.ts";

/** Tiles below this path are those of the API, which needs a token or the cookie of a session. */
const OF_THE_API = "/v1/";
const NO_CONTENT = 204;

/** Return what fetches the raster tiles of a source. */
export function rasterTiles({ template }: TileSource): FetchTile {
  const fetchImage = template.startsWith(OF_THE_API) ? fromApi : fromServer;
  return async (tile, signal) => {
    const image = await fetchImage(addressOfTile(template, tile), signal);
    return image && { image, names: [] };
  };
}

/** Return the answer of the API; null where the map has no tile. Throws Failure and AbortError. */
export async function requestTile(address: string, signal: AbortSignal): Promise<Response | null> {
  const response = await send(new Request(address, { signal }));
  if (response.status === NO_CONTENT) return null;
  if (!response.ok) throw reported(problemOf(response, null));
  return response;
}

async function fromApi(address: string, signal: AbortSignal): Promise<CanvasImageSource | null> {
  const response = await requestTile(address, signal);
  return response && (await createImageBitmap(await response.blob()));
}

/** An image needs no permission of another server to be shown, as a request of a script would. */
async function fromServer(address: string, signal: AbortSignal): Promise<CanvasImageSource> {
  const image = new Image();
  signal.addEventListener("abort", () => image.removeAttribute("src"));
  image.src = address;
  await image.decode();
  return image;
}
