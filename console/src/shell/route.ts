// The address of a page: `#/find?plate=…`. A fragment is never sent, so no server logs a plate.
import { useEffect, useState } from "preact/hooks";
import type { Schemas } from "../api/client.ts";

export const PLACES = [
  "find",
  "journeys",
  "watches",
  "live",
  "playback",
  "exports",
  "cameras",
  "city",
  "audit",
  "people",
  "approvals",
] as const;
export type Place = (typeof PLACES)[number];
type Right = Schemas["Right"];

/** The right without which a page shows nothing. */
export const RIGHT_OF_PLACE: Record<Place, Right | null> = {
  find: "events_read",
  journeys: "events_read",
  watches: "watches",
  live: "live_view",
  playback: "recordings_read",
  exports: "recordings_read",
  cameras: "cameras_read",
  city: "cameras_read",
  audit: "audit_read",
  people: "people_admin",
  approvals: null,
};

/** Return the pages that a person with these rights can use. */
export function placesFor(rights: readonly Right[]): Place[] {
  return PLACES.filter((place) => {
    const right = RIGHT_OF_PLACE[place];
    return right === null || rights.includes(right);
  });
}

export interface Route {
  place: Place;
  parameters: URLSearchParams;
}

/** Return the route of a fragment such as `#/find?plate=…`; without one, the `first` place. */
export function routeOf(fragment: string, first: Place = "find"): Route {
  const [path = "", ...rest] = fragment.replace(/^#\/?/, "").split("?");
  const place = PLACES.find((name) => name === path) ?? first;
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

export function useRoute(first: Place): Route {
  const [route, setRoute] = useState(() => routeOf(location.hash, first));
  useEffect(() => {
    const follow = () => setRoute(routeOf(location.hash, first));
    window.addEventListener("hashchange", follow);
    return () => window.removeEventListener("hashchange", follow);
  }, [first]);
  return route;
}
