// Fetches a tile of the base map: from the API with the headers of the person, or from its server.
import { reported, send } from "../api/client.ts";
import { problemOf } from "../api/problem.ts";
import type { FetchTile } from "./tiles.ts";

/** Tiles below this path are those of the API, which needs a token or the cookie of a session. */
const OF_THE_API = "/v1/";
const NO_CONTENT = 204;

export const fetchTile: FetchTile = (address, signal) =>
  address.startsWith(OF_THE_API) ? fromApi(address, signal) : fromServer(address, signal);

async function fromApi(address: string, signal: AbortSignal): Promise<CanvasImageSource | null> {
  const response = await send(new Request(address, { signal }));
  if (response.status === NO_CONTENT) return null;
  if (!response.ok) throw reported(problemOf(response, null));
  return await createImageBitmap(await response.blob());
}

/** An image needs no permission of another server to be shown, as a request of a script would. */
async function fromServer(address: string, signal: AbortSignal): Promise<CanvasImageSource> {
  const image = new Image();
  signal.addEventListener("abort", () => image.removeAttribute("src"));
  image.src = address;
  await image.decode();
  return image;
}
