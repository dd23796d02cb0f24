// What a picture says where a recording has a gap. Pure.
import type { Texts } from "../texts/en.ts";
import type { Gap } from "./coverage.ts";

/** Return why there is no picture. What was deleted was recorded, and its cause says so. */
export function gapText(cause: Gap["cause"], { playback }: Texts): string {
  const { causes, notRecorded } = playback;
  return cause === "deleted" ? causes.deleted : notRecorded(causes[cause]);
}
