// Cameras as dots of a map, and areas as labels in the middle of their cameras. Pure.
import type { AreaView, CameraView } from "../api/client.ts";
import { type Severity, severityOf } from "../cameras/camera-filters.ts";
import type { Dot, Label, Tone } from "./map-content.ts";
import { type Place, worldOf } from "./projection.ts";

type Located = Pick<CameraView, "id" | "name" | "state" | "area"> & { location: Place };

const TONE_BY_SEVERITY: Readonly<Record<Severity, Tone>> = {
  live: "good",
  warned: "warned",
  idle: "quiet",
  bad: "bad",
};
/** More labels would cover each other. */
const MOST_LABELS = 40;

/** Return cameras as dots in the colour of their state, or all in one. */
export function dotsOf(cameras: Iterable<Located>, tone: Tone | null): Dot[] {
  return [...cameras].map((camera) => ({
    id: camera.id,
    place: camera.location,
    world: worldOf(camera.location),
    tone: tone ?? TONE_BY_SEVERITY[severityOf(camera.state)],
    title: camera.name,
  }));
}

/** Return the names of the areas with cameras of their own, if there are few enough. */
export function labelsOf(areas: readonly AreaView[], cameras: Iterable<Located>): Label[] {
  const sums = new Map<string, { lon: number; lat: number; count: number }>();
  for (const { area, location } of cameras) {
    const sum = sums.get(area) ?? { lon: 0, lat: 0, count: 0 };
    sum.lon += location.lon;
    sum.lat += location.lat;
    sum.count += 1;
    sums.set(area, sum);
  }
  if (sums.size > MOST_LABELS) return [];
  return areas.flatMap(({ id, name }) => {
    const sum = sums.get(id);
    if (sum === undefined) return [];
    return [{ text: name, place: { lon: sum.lon / sum.count, lat: sum.lat / sum.count } }];
  });
}
