// What the two players of live video have in common: by WebRTC, and by Media Source Extensions.
import type { Detection } from "./detection-tracks.ts";

/** The stream that a viewer receives, and why it is not the one that the tile asked for. */
export interface LiveStream {
  name: "main" | "sub";
  isReduced: boolean;
}

export interface LiveReports {
  /** Pictures arrive. */
  onPlaying: (stream: LiveStream) => void;
  /** The seconds from the camera to the screen, about once a second. */
  onDelay: (delayS: number) => void;
  /** Pictures were not sent, because this viewer was too slow. */
  onSkipped: () => void;
  /** What the picture of this time shows, on the time line of `shownS`. */
  onDetections: (atS: number, items: readonly Detection[]) => void;
  /** Why no detections are sent; empty if they are. */
  onDetectionsState: (problem: string) => void;
  /** Why the requested sound is not heard; empty if it is. */
  onSoundProblem: (sentence: string) => void;
  /** The name of the error with which the browser refuses to play sound; empty when it plays. */
  onSoundRefused: (error: string) => void;
  /** The browser cannot decode the codec of the sound on this way. */
  onSoundUnsupported: (codec: string) => void;
  /** The browser cannot decode the codec. */
  onUnsupported: (codec: string) => void;
  /** The view has ended. `isFinal`: another try would be answered the same. */
  onEnd: (isFinal: boolean, sentence: string) => void;
}

export interface LivePlayer {
  /** Return the time of a shown picture; null if it is not known. */
  shownS: (picture: VideoFrameCallbackMetadata) => number | null;
  close: () => void;
}

/** The statuses after which another try would be answered the same. */
export const FINAL_STATUSES = [400, 401, 403, 404, 501];
