// The search at a camera that a vehicle probably passed without being found there. Pure.
import type { Schemas } from "../api/client.ts";
import { EMPTY_SEARCH, parametersOf } from "../find/search.ts";

interface Seen {
  best_at: string;
}

/** Cameras with clocks that differ a little would otherwise see it before or after the leg. */
const MARGIN_MS = 30_000;

/** Return the parameters of the search for all that a camera saw between two sightings. */
export function missedAt(camera: string, from: Seen, to: Seen): URLSearchParams {
  const times = [from, to].map((seen) => Date.parse(seen.best_at));
  const fromMs = Math.min(...times) - MARGIN_MS;
  const toMs = Math.max(...times) + MARGIN_MS;
  return parametersOf({ ...EMPTY_SEARCH, camera, fromMs, toMs, order: "oldest" });
}

/** Return the parameters of a wall with the cameras that should see the vehicle next. */
export function wallOfExpected(expected: readonly Schemas["NearCameraView"][]): URLSearchParams {
  return new URLSearchParams({ cameras: expected.map((near) => near.id).join(",") });
}
