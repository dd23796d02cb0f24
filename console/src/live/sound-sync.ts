// How the sound of a camera stays in step with its picture.

/** A sound that is farther from its picture jumps to it. */
const JUMP_BEYOND_S = 0.3;
/** A difference that is not noticed. */
const SLACK_S = 0.03;
/** How much faster or slower the sound plays at most, to come nearer. */
const MAX_CHANGE = 0.1;

/**
 * Return how many times as fast as the picture the sound plays, or null to jump to the picture.
 * `behindS` is how far the sound is behind the picture.
 */
export function soundRate(behindS: number): number | null {
  if (Math.abs(behindS) > JUMP_BEYOND_S) return null;
  if (Math.abs(behindS) < SLACK_S) return 1;
  return 1 + Math.max(-MAX_CHANGE, Math.min(MAX_CHANGE, behindS));
}

/** Return whether a time is within what is buffered. */
export function isBuffered(ranges: TimeRanges, timeS: number): boolean {
  for (let index = 0; index < ranges.length; index += 1) {
    if (ranges.start(index) <= timeS && timeS < ranges.end(index)) return true;
  }
  return false;
}

const MOOF = 0x6d6f6f66;

/** Return whether a binary message is sound: pictures begin with another box. */
export function isSound(data: ArrayBuffer): boolean {
  return data.byteLength >= 8 && new DataView(data).getUint32(4) === MOOF;
}
