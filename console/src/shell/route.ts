// The address of a page: `#/find?plate=…`. A fragment is never sent, so no server logs a plate.
import { useEffect, useState } from "preact/hooks";

export const PLACES = [
  "find",
  "journeys",
  "live",
  "playback",
  "cameras",
  "city",
  "audit",
  "people",
] as const;
export type Place = (typeof PLACES)[number];

export interface Route {
  place: Place;
  parameters: URLSearchParams;
}

/** Return the route of a fragment such as `#/find?plate=…`; without one, the first place. */
export function routeOf(fragment: string): Route {
  const [path = "", ...rest] = fragment.replace(/^#\/?/, "").split("?");
  const place = PLACES.find((name) => name === path) ?? "find";
  return { place, parameters: new URLSearchParams(rest.join("?")) };
}

export function addressOf(
  place: Place,
  parameters: URLSearchParams = new URLSearchParams(),
): string {
  const query = parameters.toString();
  return query ? `#/${place}?${query}` : `#/${place}`;
}

/** Go to a page. `isNew: false` replaces the entry of the history. */
export function navigate(place: Place, parameters: URLSearchParams, isNew = true): void {
  const address = addressOf(place, parameters);
  if (address === location.hash) return;
  if (isNew) location.hash = address;
  else {
    history.replaceState(null, "", address);
    window.dispatchEvent(new HashChangeEvent("hashchange"));
  }
}

export function useRoute(): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, []);
  return route;
}
