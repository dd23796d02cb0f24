// Which saved view an address of the live wall names, and which tiles it shows. Pure.
import { parametersOfWall, SIZES, type Wall, wallOf } from "./wall.ts";

/** What a view of the API has of these. */
export interface SavedTiles {
  tiles: number;
  cameras: readonly string[];
}

/** An address with tiles shows those; `view` then names the view that they were changed from. */
export interface AddressedWall {
  viewId: string;
  /** Null where the tiles are those of the view. */
  wall: Wall | null;
}

export function addressedWall(parameters: URLSearchParams): AddressedWall {
  const viewId = parameters.get("view") ?? "";
  const hasTiles = parameters.has("size") || parameters.has("cameras");
  return { viewId, wall: hasTiles || viewId === "" ? wallOf(parameters) : null };
}

/** Return the address of a view, or of tiles that were changed from those of a view. */
export function parametersOfView(viewId: string, changed: Wall | null): URLSearchParams {
  const parameters = changed === null ? new URLSearchParams() : parametersOfWall(changed);
  if (viewId !== "") parameters.set("view", viewId);
  return parameters;
}

interface Identified {
  id: string;
  version: number;
}

/**
 * Return the view with an id, or undefined. `saved` is what the last change has answered, which the
 * list may not have yet.
 */
export function newestView<View extends Identified>(
  listed: readonly View[],
  saved: View | null,
  id: string,
): View | undefined {
  const found = listed.find((view) => view.id === id);
  if (saved?.id !== id) return found;
  return found !== undefined && found.version > saved.version ? found : saved;
}

/** Return the list with the chosen view as it is now; it may lack the view, or have an older one. */
export function listedWith<View extends Identified>(
  listed: readonly View[],
  chosen: View | undefined,
): View[] {
  if (chosen === undefined) return [...listed];
  const isListed = listed.some(({ id }) => id === chosen.id);
  return isListed
    ? listed.map((view) => (view.id === chosen.id ? chosen : view))
    : [chosen, ...listed];
}

export function wallOfView({ tiles, cameras }: SavedTiles): Wall {
  const size = SIZES.find((one) => one >= tiles) ?? 25;
  return { size, cameras: Array.from({ length: size }, (_, tile) => cameras[tile] ?? "") };
}

export function isSameWall(one: Wall, other: Wall): boolean {
  return `${parametersOfWall(one)}` === `${parametersOfWall(other)}`;
}
