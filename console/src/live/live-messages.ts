// The messages of live video as docs/live.md describes them; the OpenAPI description lacks them.
import type { Detection } from "./detection-tracks.ts";

type StreamName = "main" | "sub";

/** Announces the next binary message, which is an initialisation segment. */
export interface LiveInit {
  type: "init";
  stream: StreamName;
  cause: string;
  mime: string;
  codec: string;
  /** The media time of the first picture, in seconds since 1970. */
  starts_at_s: number;
}

/** The newest picture that was sent, once a second. */
export interface LiveTiming {
  type: "timing";
  picture_at: string;
  media_s: number;
  delay_ms: number;
}

/** Pictures were not sent, because the viewer was too slow. */
export interface LiveSkipped {
  type: "skipped";
  fragments: number;
}

/** Why the view ends, or why it stays with the present stream. */
export interface LiveProblem {
  type: "problem";
  is_last: boolean;
  problem: { detail: string };
}

/** What an analysed picture shows. */
export interface LiveDetections {
  type: "detections";
  media_s: number;
  items: readonly Detection[];
}

/** Whether detections are sent from now on, and why not. */
export interface LiveDetectionsState {
  type: "detections_state";
  is_on: boolean;
  problem?: { detail: string };
}

/** Announces the next binary message, which is the initialisation segment of the sound. */
export interface LiveSoundInit {
  type: "sound_init";
  mime: string;
  codec: string;
  /** The wall time of the first sound, in seconds since 1970. */
  starts_at_s: number;
}

/** Why no sound is sent, or no more; the video continues. */
export interface LiveSoundProblem {
  type: "sound_problem";
  problem: { detail: string };
}

export type LiveMessage =
  | LiveInit
  | LiveSoundInit
  | LiveSoundProblem
  | LiveTiming
  | LiveSkipped
  | LiveProblem
  | LiveDetections
  | LiveDetectionsState;
