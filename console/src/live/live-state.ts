// What a tile shows of the live video of a camera.
import type { Detection } from "./detection-tracks.ts";
import type { LiveStream } from "./player.ts";
import type { Fallback } from "./routes.ts";

export interface LiveState {
  /** `ended`: it is not connected again by itself. */
  phase: "connecting" | "playing" | "waiting" | "ended";
  /** A sentence about what is wrong; empty if nothing is. */
  problem: string;
  unsupportedCodec: string;
  delayS: number | null;
  stream: LiveStream | null;
  /** Why the pictures do not come by WebRTC; null if they do. */
  fallback: Fallback | null;
  /** How often pictures were left out, because this viewer was too slow. */
  skips: number;
  /** What the shown picture shows, while the viewer wants to see that. */
  detections: readonly Detection[];
  /** Why no detections are sent; empty if they are, or if none are wanted. */
  detectionsProblem: string;
  /** Why the requested sound is not heard; empty if it is, or if none is wanted. */
  soundProblem: string;
  /** The name of the error with which the browser refuses to play sound; empty if it plays. */
  soundRefusal: string;
  /** The codec of sound that the browser cannot decode. */
  unsupportedSound: string;
  widthPx: number;
  heightPx: number;
}

/** The state before anything has arrived. */
export const START: LiveState = {
  phase: "connecting",
  problem: "",
  unsupportedCodec: "",
  delayS: null,
  stream: null,
  fallback: null,
  skips: 0,
  detections: [],
  detectionsProblem: "",
  soundProblem: "",
  soundRefusal: "",
  unsupportedSound: "",
  widthPx: 0,
  heightPx: 0,
};

/** What the person wants to see and hear of a camera. */
export interface Wishes {
  wantsSub: boolean;
  wantsDetections: boolean;
  wantsSound: boolean;
}

export type ShowLive = (change: Partial<LiveState>) => void;
