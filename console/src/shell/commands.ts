// The commands of the palette for a typed text: places, searches for a plate, and cameras. Pure.
import { matchingCameras } from "../find/camera-choice.ts";
import { hasWildcard } from "../find/plate.ts";
import { parametersOfWall } from "../live/wall.ts";
import type { Texts } from "../texts/en.ts";
import { addressOf, PLACES, type Place } from "./route.ts";

export interface Command {
  text: string;
  address: string;
}

const MOST_CAMERAS = 8;
/** Letters, digits and wildcards, of which a plate has at least three. */
const PLATE = /^[\p{Script=Han}A-Za-z0-9?*？＊·]{3,12}$/u;
const HAS_DIGIT = /\d/;

/** Return what a text may mean, the likeliest first. Without a text, the places. */
export function commandsFor(
  typed: string,
  texts: Texts,
  cameras: Iterable<{ id: string; name: string }>,
  allowed: readonly Place[] = PLACES,
): Command[] {
  const text = typed.trim();
  const part = text.toLowerCase();
  const places = allowed.filter((place) => texts.places[place].toLowerCase().includes(part));
  return [
    ...(PLATE.test(text) && HAS_DIGIT.test(text) ? plateCommands(text, texts) : []),
    ...places.map((place) => ({ text: texts.places[place], address: addressOf(place) })),
    ...(text === "" ? [] : cameraCommands(text, texts, cameras)),
  ];
}

function plateCommands(typed: string, { palette }: Texts): Command[] {
  const plate = typed.toUpperCase();
  const parameters = new URLSearchParams({ plate });
  const find = { text: palette.find(plate), address: addressOf("find", parameters) };
  if (hasWildcard(plate)) return [find];
  return [
    find,
    { text: palette.follow(plate), address: addressOf("journeys", parameters) },
    { text: palette.watch(plate), address: addressOf("watches", parameters) },
  ];
}

function cameraCommands(
  text: string,
  { palette }: Texts,
  cameras: Iterable<{ id: string; name: string }>,
): Command[] {
  return matchingCameras([...cameras], text)
    .slice(0, MOST_CAMERAS)
    .map(({ id, name }) => ({
      text: palette.live(name),
      address: addressOf("live", parametersOfWall({ size: 1, cameras: [id] })),
    }));
}
