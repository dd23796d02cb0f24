// Plays the sound of a camera together with its picture, by Media Source Extensions. It has an element
// of its own, so sound that is missing never stalls the picture.
import type { LiveSoundInit } from "./live-messages.ts";
import { soundStep } from "./sound-sync.ts";

/** Sound this far behind the newest is removed from the buffer. */
const KEPT_S = 10;

export class SoundPlayer {
  readonly audio = new Audio();
  private readonly source = new MediaSource();
  private readonly url = URL.createObjectURL(this.source);
  private readonly waiting: ArrayBuffer[] = [];
  private readonly video: HTMLVideoElement;
  private readonly pictureS: () => number | null;
  private readonly onRefused: (error: string) => void;
  private readonly originS: number;
  private buffer: SourceBuffer | null = null;

  /**
   * `pictureS` returns the wall time of the shown picture; null if it is not known yet. `onRefused`
   * receives the name of the error with which the browser refuses to play sound, and an empty one
   * when it plays. `NotAllowedError`: a page may play sound only after a click or a key.
   */
  constructor(
    video: HTMLVideoElement,
    init: LiveSoundInit,
    pictureS: () => number | null,
    onRefused: (error: string) => void,
  ) {
    this.video = video;
    this.pictureS = pictureS;
    this.onRefused = onRefused;
    // The media timeline is UTC. Whole seconds are subtracted, so that the numbers stay small.
    this.originS = Math.floor(init.starts_at_s);
    this.source.addEventListener("sourceopen", () => this.begin(init.mime), { once: true });
    this.audio.src = this.url;
  }

  /** How far the sound is behind its picture, in seconds; null if that is not known yet. */
  behindS(): number | null {
    const pictureS = this.pictureS();
    return pictureS === null ? null : pictureS - this.originS - this.audio.currentTime;
  }

  take(data: ArrayBuffer): void {
    this.waiting.push(data);
    this.append();
  }

  close(): void {
    this.audio.pause();
    this.audio.removeAttribute("src");
    this.audio.load();
    URL.revokeObjectURL(this.url);
  }

  private begin(mime: string): void {
    this.buffer = this.source.addSourceBuffer(mime);
    this.buffer.mode = "segments";
    this.buffer.timestampOffset = -this.originS;
    this.buffer.addEventListener("updateend", () => {
      this.follow();
      this.append();
    });
    this.append();
  }

  private append(): void {
    const { buffer } = this;
    if (buffer === null || buffer.updating || this.source.readyState !== "open") return;
    const data = this.waiting.shift();
    if (data !== undefined) buffer.appendBuffer(data);
  }

  /** Stay in step with the picture, and silent while it is paused. */
  private follow(): void {
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
  private removePlayed(buffer: SourceBuffer): void {
    const endS = buffer.buffered.end(buffer.buffered.length - 1);
    if (!buffer.updating && endS - buffer.buffered.start(0) > 2 * KEPT_S) {
      buffer.remove(0, endS - KEPT_S);
    }
  }

  private async play(): Promise<void> {
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
