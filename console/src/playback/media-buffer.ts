// A <video> element that holds segments of any time. Its media time counts from ORIGIN_MS.
import type { Segment } from "./playlists.ts";

/** Media times are seconds since then: small enough for exact numbers, and never negative. */
const ORIGIN_MS = Date.UTC(2020, 0, 1);
/** The end of the media timeline: a player cannot seek beyond its duration. */
const DURATION_S = 3_155_760_000;
const TOLERANCE_S = 0.001;

export function mediaSecondsOf(atMs: number): number {
  return (atMs - ORIGIN_MS) / 1000;
}

export function instantOfMedia(seconds: number): number {
  return ORIGIN_MS + 1000 * seconds;
}

export class MediaBuffer {
  private readonly video: HTMLVideoElement;
  private readonly source = new MediaSource();
  private readonly url: string;
  private readonly opened: Promise<void>;
  private buffer: SourceBuffer | null = null;
  private mime = "";
  private head = "";
  /** The segments in the buffer: the end of each by its start. */
  private readonly ends = new Map<number, number>();

  constructor(video: HTMLVideoElement) {
    this.video = video;
    this.url = URL.createObjectURL(this.source);
    this.opened = event(this.source, "sourceopen");
    video.src = this.url;
  }

  /** Return whether the whole of a segment, as far as it is listed, is in the buffer. */
  holds(segment: Segment): boolean {
    return (this.ends.get(segment.fromMs) ?? Number.NEGATIVE_INFINITY) >= segment.toMs;
  }

  /** Return whether a segment needs its head before its media. */
  needsHead(segment: Segment): boolean {
    return this.head !== segment.head;
  }

  async append(segment: Segment, head: ArrayBuffer | null, media: ArrayBuffer): Promise<void> {
    await this.opened;
    const buffer = this.bufferFor(segment.mime);
    if (head !== null) {
      await this.change(buffer, () => buffer.appendBuffer(head));
      this.head = segment.head;
    }
    buffer.timestampOffset = mediaSecondsOf(segment.zeroMs);
    await this.change(buffer, () => buffer.appendBuffer(media));
    this.ends.set(segment.fromMs, segment.toMs);
  }

  /** Remove the segments that end before a range or start after it. */
  async keep(fromMs: number, toMs: number): Promise<void> {
    const { buffer } = this;
    if (buffer === null) return;
    const kept = [...this.ends].filter(([startMs, endMs]) => startMs < toMs && fromMs < endMs);
    if (kept.length === this.ends.size) return;
    this.ends.clear();
    for (const [startMs, endMs] of kept) this.ends.set(startMs, endMs);
    if (kept.length === 0) {
      await this.change(buffer, () => buffer.remove(0, DURATION_S));
      return;
    }
    // The bounds are starts of segments, which are keyframes: no picture that is kept is removed.
    const firstS = mediaSecondsOf(Math.min(...kept.map(([startMs]) => startMs)));
    const lastS = mediaSecondsOf(Math.max(...kept.map(([, endMs]) => endMs)));
    await this.change(buffer, () => buffer.remove(0, firstS));
    await this.change(buffer, () => buffer.remove(lastS, DURATION_S));
  }

  /** Return whether there is a picture at a media time. */
  hasPicture(atS: number): boolean {
    const ranges = this.buffer?.buffered;
    for (let index = 0; index < (ranges?.length ?? 0); index += 1) {
      const [startS, endS] = [ranges?.start(index) ?? 0, ranges?.end(index) ?? 0];
      if (startS - TOLERANCE_S <= atS && atS < endS) return true;
    }
    return false;
  }

  close(): void {
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  private bufferFor(mime: string): SourceBuffer {
    if (this.buffer === null) {
      this.buffer = this.source.addSourceBuffer(mime);
      this.buffer.mode = "segments";
      this.source.duration = DURATION_S;
    } else if (this.mime !== mime) this.buffer.changeType(mime);
    this.mime = mime;
    return this.buffer;
  }

  private async change(buffer: SourceBuffer, begin: () => void): Promise<void> {
    begin();
    if (buffer.updating) await event(buffer, "updateend");
    const { error } = this.video;
    if (error !== null) throw new MediaFault(error.message);
  }
}

/** The browser cannot use what it was given. */
export class MediaFault extends Error {
  override readonly name = "MediaFault";
}

function event(target: EventTarget, name: string): Promise<void> {
  return new Promise((resolve) => {
    target.addEventListener(name, () => resolve(), { once: true });
  });
}
