// What a map shows. All places are longitudes and latitudes; texts are in the person's language.
import type { Place, Point } from "./projection.ts";
import type { Shape } from "./shape.ts";

export const TONES = ["quiet", "good", "warned", "bad", "accent"] as const;
/** The meaning of a colour, as the style sheet names it. */
export type Tone = (typeof TONES)[number];

/** A camera. */
export interface Dot {
  id: string;
  place: Place;
  /** The place as a point of the world, which is computed once for all frames. */
  world: Point;
  tone: Tone;
  /** What the pointer shows. */
  title: string;
}

/** A camera that has something: a number of sightings or of results. */
export interface Mark {
  /** The id of its camera. */
  id: string;
  place: Place;
  text: string;
  title: string;
}

export interface Leg {
  from: Place;
  to: Place;
  isImpossible: boolean;
  /** What stands at its middle, such as a speed. */
  text: string;
}

export interface Label {
  place: Place;
  text: string;
}

export interface MapContent {
  dots: readonly Dot[];
  marks: readonly Mark[];
  legs: readonly Leg[];
  /** Cameras with a ring around them, by id. */
  ringed: ReadonlySet<string>;
  /** Names of areas. */
  labels: readonly Label[];
  shape: Shape | null;
  /** Where a vehicle is, while its journey is played back. */
  traveller: Place | null;
}

export const EMPTY_CONTENT: MapContent = {
  dots: [],
  marks: [],
  legs: [],
  ringed: new Set(),
  labels: [],
  shape: null,
  traveller: null,
};

/** Return the places that a map should show at first: those of its marks, or else all dots. */
export function placesOf({ marks, dots, ringed, shape }: MapContent): Place[] {
  const corners = shape?.kind === "polygon" ? shape.corners : shape ? [shape.centre] : [];
  const ahead = dots.filter((dot) => ringed.has(dot.id));
  const chosen = [...marks, ...ahead].map((one) => one.place);
  const decisive = [...chosen, ...corners];
  return decisive.length > 0 ? decisive : dots.map((dot) => dot.place);
}
