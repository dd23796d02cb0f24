// How the sound of a camera stays in step with its picture.

/** A sound that is farther from its picture jumps to it. */
const JUMP_BEYOND_S = 0.3;
/** A difference that is not noticed. */
const SLACK_S = 0.03;
/** How much faster or slower the sound plays at most, to come nearer. */
const MAX_CHANGE = 0.1;
/** Sound that arrives later than its picture is played this far behind the newest. */
const NEWEST_S = 0.1;

/** What the player of the sound does now. */
export interface SoundStep {
  /** The time to jump to; null to stay. */
  seekS: number | null;
  /** How many times as fast as the picture the sound plays; 0 to wait for the picture. */
  rate: number;
}

/**
 * Return what brings the sound nearer to its picture. `ranges` are what is buffered, `soundS` is the
 * time of the sound that is heard, and `pictureS` that of the shown picture.
 */
export function soundStep(ranges: TimeRanges, soundS: number, pictureS: number): SoundStep {
  const behindS = pictureS - soundS;
  if (Math.abs(behindS) <= JUMP_BEYOND_S && isBuffered(ranges, soundS)) {
    return { seekS: null, rate: soundRate(behindS) };
  }
  if (isBuffered(ranges, pictureS)) return { seekS: pictureS, rate: 1 };
  if (behindS < 0) return { seekS: null, rate: 0 };
  const newestS = newestSound(ranges);
  // The sound of this picture has not arrived.
  if (newestS !== null && newestS < pictureS && newestS - soundS > JUMP_BEYOND_S) {
    return { seekS: newestS, rate: 1 };
  }
  return { seekS: null, rate: 1 };
}

function soundRate(behindS: number): number {
  if (Math.abs(behindS) < SLACK_S) return 1;
  return 1 + Math.max(-MAX_CHANGE, Math.min(MAX_CHANGE, behindS));
}

/** Return a time near the end of what is buffered; null if nothing is. */
function newestSound(ranges: TimeRanges): number | null {
  const last = ranges.length - 1;
  return last < 0 ? null : Math.max(ranges.start(last), ranges.end(last) - NEWEST_S);
}

/** Return whether a time is within what is buffered. */
function isBuffered(ranges: TimeRanges, timeS: number): boolean {
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
