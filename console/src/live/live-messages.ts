// The messages of live video as docs/live.md describes them; the OpenAPI description lacks them.

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

export type LiveMessage = LiveInit | LiveTiming | LiveSkipped | LiveProblem;
