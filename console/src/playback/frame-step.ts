// A step to the next or the previous frame, whose durations are found by the steps. Pure.

export type Direction = 1 | -1;

/** The duration of a frame until one was measured; a shorter one costs only further tries. */
const FIRST_FRAME_MS = 20;
const GROWTH = 1.6;
/** A stream without a next frame within about a minute has none. */
const MAX_TRIES = 18;
/** After a seek, the same frame is not always reported again. Then this many turns are enough. */
const MAX_TURNS = 20;

/** What a player shows during a step. */
export interface Shown {
  frameMs: number | null;
  count: number;
}

export class FrameStep {
  private readonly direction: Direction;
  private readonly fromMs: number;
  private frameMs: number;
  private tries = 0;
  private turns = 0;
  private count: number;

  /** `frameMs` is the duration of a frame as an earlier step has found it, or null. */
  constructor(direction: Direction, positionMs: number, shown: Shown, frameMs: number | null) {
    this.direction = direction;
    this.fromMs = shown.frameMs ?? positionMs;
    this.count = shown.count;
    this.frameMs = frameMs ?? FIRST_FRAME_MS;
  }

  /** Return the position to seek to. */
  target(): number {
    if (this.direction === -1) return this.fromMs - this.frameMs / 2;
    return this.fromMs + 1.5 * this.frameMs;
  }

  /**
   * Return `again` if the same frame is still shown after the seek, so that the next target is
   * tried, `waiting` while nothing is shown yet, or else the duration of a frame.
   */
  result(shown: Shown): "waiting" | "again" | { frameMs: number | null } {
    if (shown.frameMs !== null && shown.frameMs !== this.fromMs) {
      return { frameMs: Math.abs(shown.frameMs - this.fromMs) };
    }
    this.turns += 1;
    if (shown.count === this.count && this.turns < MAX_TURNS) return "waiting";
    this.tries += 1;
    if (this.tries >= MAX_TRIES) return { frameMs: null };
    this.turns = 0;
    this.count = shown.count;
    this.frameMs *= GROWTH;
    return "again";
  }
}
