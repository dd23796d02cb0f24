// The place of a search by name: an area, or what is around a camera. Pure.
import { matchingCameras } from "./camera-choice.ts";
import type { Search } from "./search.ts";

interface NamedCamera {
  id: string;
  name: string;
  location: { lon: number; lat: number };
}
interface NamedArea {
  id: string;
  name: string;
}
export interface Place {
  kind: "camera" | "area";
  id: string;
  name: string;
  /** The filters that limit a search to it. */
  filters: Pick<Search, "area" | "near" | "within">;
}

/** How far around a camera counts as near it. */
export const NEAR_M = 500;
const MOST_PLACES = 8;

/** Return the places that a typed text may mean, areas first; none without a text. */
export function placesFor(
  text: string,
  cameras: Iterable<NamedCamera>,
  areas: readonly NamedArea[],
): Place[] {
  if (text.trim() === "") return [];
  return [
    ...matchingCameras(areas, text).map(placeOfArea),
    ...matchingCameras([...cameras], text).map(placeOfCamera),
  ].slice(0, MOST_PLACES);
}

/** Return the named place of a search; null for a shape of the map, and without any. */
export function placeOf(
  search: Pick<Search, "area" | "near">,
  cameras: Iterable<NamedCamera>,
  areas: readonly NamedArea[],
): Place | null {
  const { near, area } = search;
  if (near !== "") {
    for (const camera of cameras) if (nearOf(camera) === near) return placeOfCamera(camera);
    return null;
  }
  const found = areas.find(({ id }) => id === area);
  return found === undefined ? null : placeOfArea(found);
}

function placeOfArea({ id, name }: NamedArea): Place {
  return { kind: "area", id, name, filters: { area: id, near: "", within: "" } };
}

function placeOfCamera(camera: NamedCamera): Place {
  const { id, name } = camera;
  return { kind: "camera", id, name, filters: { area: "", near: nearOf(camera), within: "" } };
}

function nearOf({ location }: NamedCamera): string {
  return `${location.lon},${location.lat},${NEAR_M}`;
}
