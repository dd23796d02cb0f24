// The clock that all cameras of the playback follow, so that they stay in step. Pure.

export const SPEEDS = [0.25, 0.5, 1, 2, 4, 8] as const;
export type Speed = (typeof SPEEDS)[number];

/** The longest step of the clock: a page in the background gets no turns and must not jump. */
const LONGEST_TURN_MS = 250;

export class PlaybackClock {
  positionMs: number;
  speed: Speed = 1;
  isPlaying = false;
  private lastTurnMs: number | null = null;

  constructor(positionMs: number) {
    this.positionMs = positionMs;
  }

  /** Advance to `nowMs` of the computer. Without `canAdvance` a camera still loads, so it waits. */
  turn(nowMs: number, canAdvance: boolean): void {
    const passedMs = this.lastTurnMs === null ? 0 : nowMs - this.lastTurnMs;
    this.lastTurnMs = nowMs;
    if (!this.isPlaying || !canAdvance) return;
    this.positionMs += Math.min(passedMs, LONGEST_TURN_MS) * this.speed;
  }
}

/** What a player does to be where the clock is. */
export interface Command {
  seekToS: number | null;
  rate: number;
  isPlaying: boolean;
}

/** A player this far from the clock seeks, in seconds of playback; closer, it changes its rate. */
const SEEK_BEYOND_S = 0.7;
/** A paused player shows a picture whose time differs from the clock's by no more than this. */
const SAME_PICTURE_S = 0.001;
const MAX_CORRECTION = 0.2;

/** Return how a player at `currentS` follows a clock at `wantedS`. */
export function follow(
  currentS: number,
  wantedS: number,
  isPlaying: boolean,
  speed: number,
): Command {
  const behindS = wantedS - currentS;
  if (!isPlaying) {
    const isThere = Math.abs(behindS) <= SAME_PICTURE_S;
    return { seekToS: isThere ? null : wantedS, rate: speed, isPlaying };
  }
  if (Math.abs(behindS) > SEEK_BEYOND_S * Math.max(1, speed)) {
    return { seekToS: wantedS, rate: speed, isPlaying };
  }
  const correction = Math.max(-MAX_CORRECTION, Math.min(behindS / speed, MAX_CORRECTION));
  return { seekToS: null, rate: speed * (1 + correction), isPlaying };
}
