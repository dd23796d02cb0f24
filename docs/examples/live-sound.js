// Plays the sound of a camera for live-player.js, which must be loaded together with this file.
// It is made from console/src/live/sound-sync.ts and sound-player.ts; change those.

// How the sound of a camera stays in step with its picture.

/** A sound that is farther from its picture jumps to it. */
const JUMP_BEYOND_S = 0.3;
/** A difference that is not noticed. */
const SLACK_S = 0.03;
/** How much faster or slower the sound plays at most, to come nearer. */
const MAX_CHANGE = 0.1;
/** Sound that arrives later than its picture is played this far behind the newest. */
const NEWEST_S = 0.1;

/**
 * Return what brings the sound nearer to its picture. `ranges` are what is buffered, `soundS` is the
 * time of the sound that is heard, and `pictureS` that of the shown picture.
 */
function soundStep(ranges, soundS, pictureS) {
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

function soundRate(behindS) {
  if (Math.abs(behindS) < SLACK_S) return 1;
  return 1 + Math.max(-MAX_CHANGE, Math.min(MAX_CHANGE, behindS));
}

/** Return a time near the end of what is buffered; null if nothing is. */
function newestSound(ranges) {
  const last = ranges.length - 1;
  return last < 0 ? null : Math.max(ranges.start(last), ranges.end(last) - NEWEST_S);
}

/** Return whether a time is within what is buffered. */
function isBuffered(ranges, timeS) {
  for (let index = 0; index < ranges.length; index += 1) {
    if (ranges.start(index) <= timeS && timeS < ranges.end(index)) return true;
  }
  return false;
}

const MOOF = 0x6d6f6f66;

/** Return whether a binary message is sound: pictures begin with another box. */
function isSound(data) {
  return data.byteLength >= 8 && new DataView(data).getUint32(4) === MOOF;
}
// Plays the sound of a camera together with its picture, by Media Source Extensions. It has an element
// of its own, so sound that is missing never stalls the picture.

/** Sound this far behind the newest is removed from the buffer. */
const KEPT_S = 10;

class SoundPlayer {
  audio = new Audio();
  source = new MediaSource();
  url = URL.createObjectURL(this.source);
  waiting = [];
  video;
  pictureS;
  onRefused;
  originS;
  buffer = null;

  /**
   * `pictureS` returns the wall time of the shown picture; null if it is not known yet. `onRefused`
   * receives the name of the error with which the browser refuses to play sound, and an empty one
   * when it plays. `NotAllowedError`: a page may play sound only after a click or a key.
   */
  constructor(video, init, pictureS, onRefused) {
    this.video = video;
    this.pictureS = pictureS;
    this.onRefused = onRefused;
    // The media timeline is UTC. Whole seconds are subtracted, so that the numbers stay small.
    this.originS = Math.floor(init.starts_at_s);
    this.source.addEventListener("sourceopen", () => this.begin(init.mime), { once: true });
    this.audio.src = this.url;
  }

  /** How far the sound is behind its picture, in seconds; null if that is not known yet. */
  behindS() {
    const pictureS = this.pictureS();
    return pictureS === null ? null : pictureS - this.originS - this.audio.currentTime;
  }

  take(data) {
    this.waiting.push(data);
    this.append();
  }

  close() {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    URL.revokeObjectURL(this.url);
  }

  begin(mime) {
    this.buffer = this.source.addSourceBuffer(mime);
    this.buffer.mode = "segments";
    this.buffer.timestampOffset = -this.originS;
    this.buffer.addEventListener("updateend", () => {
      this.follow();
      this.append();
    });
    this.append();
  }

  append() {
    const { buffer } = this;
    if (buffer === null || buffer.updating || this.source.readyState !== "open") return;
    const data = this.waiting.shift();
    if (data !== undefined) buffer.appendBuffer(data);
  }

  /** Stay in step with the picture, and silent while it is paused. */
  follow() {
    const { audio, buffer, video } = this;
    const pictureS = this.pictureS();
    if (buffer === null || buffer.buffered.length === 0) return;
    this.removePlayed(buffer);
    if (pictureS === null) return;
    if (video.paused) {
      audio.pause();
      return;
    }
    const step = soundStep(buffer.buffered, audio.currentTime, pictureS - this.originS);
    if (step.rate === 0) {
      audio.pause();
      return;
    }
    if (step.seekS !== null) audio.currentTime = step.seekS;
    audio.playbackRate = video.playbackRate * step.rate;
    if (audio.paused) void this.play();
  }

  /** The newest sound counts, also while none is played, so the buffer never fills. */
  removePlayed(buffer) {
    const endS = buffer.buffered.end(buffer.buffered.length - 1);
    if (!buffer.updating && endS - buffer.buffered.start(0) > 2 * KEPT_S) {
      buffer.remove(0, endS - KEPT_S);
    }
  }

  async play() {
    try {
      await this.audio.play();
      this.onRefused("");
    } catch (error) {
      // A pause interrupts `play`, which is then called again.
      if (!(error instanceof DOMException)) throw error;
      if (error.name !== "AbortError") this.onRefused(error.name);
    }
  }
}
