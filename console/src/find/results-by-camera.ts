// How many results each camera has. Pure.
import type { Place } from "../map/projection.ts";

interface Result {
  event: { camera: string; location: Place };
}
export interface CameraCount {
  camera: string;
  place: Place;
  count: number;
}

export function countsByCamera(found: readonly Result[]): CameraCount[] {
  const counts = new Map<string, CameraCount>();
  for (const { event } of found) {
    const { camera, location: place } = event;
    const known = counts.get(camera);
    if (known === undefined) counts.set(camera, { camera, place, count: 1 });
    else known.count += 1;
  }
  return [...counts.values()];
}
