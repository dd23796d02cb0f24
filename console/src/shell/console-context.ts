// What every part of the console knows: texts, the site, the person, the cameras.
import { createContext } from "preact";
import { useContext } from "preact/hooks";
import type { AreaView, CameraView, Schemas } from "../api/client.ts";
import type { Purpose } from "../api/credentials.ts";
import type { Texts } from "../texts/en.ts";
import { wallOf } from "../time/zone.ts";
import type { Language, Preferences } from "./preferences.ts";

export type Right = Schemas["Right"];

export interface ConsoleContext {
  texts: Texts;
  language: Language;
  preferences: Preferences;
  site: Schemas["SiteView"];
  zone: string;
  session: Schemas["SessionView"];
  purpose: Purpose;
  /** Show the form for the reason, for example because a request was refused without one. */
  askPurpose: () => void;
  cameras: ReadonlyMap<string, CameraView>;
  areas: readonly AreaView[];
}

export const Console = createContext<ConsoleContext | null>(null);

export function useConsole(): ConsoleContext {
  const context = useContext(Console);
  if (context === null) throw new Error("this component is outside of the console");
  return context;
}

export function hasRight(session: Schemas["SessionView"], right: Right): boolean {
  return session.rights.includes(right);
}

const INSTANT = /\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z/g;

/** Return a function that writes the instants in a sentence of the API in the time of the site. */
export function useSiteTimesIn(): (sentence: string) => string {
  const time = useTimes();
  return (sentence) => sentence.replace(INSTANT, (instant) => time(instant));
}

/** Return a function that writes an instant of the API in the time of the site. */
export function useTimes(): (instant: string | number) => string {
  const { zone } = useConsole();
  return (instant) => wallOf(new Date(instant).getTime(), zone).replace("T", " ");
}

/** Return the name of a camera; its id while the names are not loaded. */
export function cameraName(cameras: ReadonlyMap<string, CameraView>, id: string): string {
  return cameras.get(id)?.name ?? id;
}
