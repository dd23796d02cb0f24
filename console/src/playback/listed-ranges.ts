// The rows of the tables under the time line: gaps, and times that were not analysed wholly. Pure.
import type { Texts } from "../texts/en.ts";
import type { Coverage, Recorded } from "./coverage.ts";

/** A part of the time of one camera, with words for its cause. */
export interface ListedRange extends Recorded {
  camera: string;
  cause: string;
  detail: string;
  isOngoing: boolean;
  /** Where playback goes from it: one of its ends; null without one. */
  seekMs: number | null;
}

type CoverageOf = (camera: string) => Coverage | undefined;

/** Return the gaps of some cameras in a window, by start. Playback goes to their ends. */
export function listedGaps(
  cameras: readonly string[],
  of: CoverageOf,
  window: Recorded,
  texts: Texts,
): ListedRange[] {
  return listed(cameras, window, (camera) =>
    (of(camera)?.gaps ?? []).map((gap) => ({
      ...gap,
      cause: texts.playback.causes[gap.cause],
      seekMs: gap.isOngoing ? null : gap.toMs,
    })),
  );
}

/** Return the times in which passings may be missing, by start. Playback goes to their starts. */
export function listedAnalysis(
  cameras: readonly string[],
  of: CoverageOf,
  window: Recorded,
  texts: Texts,
): ListedRange[] {
  return listed(cameras, window, (camera) =>
    (of(camera)?.partlyAnalysed ?? []).map((part) => ({
      ...part,
      cause: texts.unanalysed.causes[part.cause],
      detail: "",
      isOngoing: false,
      seekMs: part.fromMs,
    })),
  );
}

function listed(
  cameras: readonly string[],
  window: Recorded,
  rowsOf: (camera: string) => Omit<ListedRange, "camera">[],
): ListedRange[] {
  return cameras
    .flatMap((camera) => rowsOf(camera).map((row) => ({ ...row, camera })))
    .filter((row) => row.fromMs < window.toMs && window.fromMs < row.toMs)
    .sort((one, other) => one.fromMs - other.fromMs);
}
