// Plays the recordings of one camera in a <video> element, as the clock of the playback says.
import { api, result } from "../api/client.ts";
import { ApiProblem, failureOf, isAborted, Offline, problemOf } from "../api/problem.ts";
import { follow } from "./clock.ts";
import { FrameWatch } from "./frame-watch.ts";
import { MediaBuffer, MediaFault, mediaSecondsOf } from "./media-buffer.ts";
import { Playlists, type Segment } from "./playlists.ts";

/** What is loaded ahead of the position, in milliseconds of the recording at normal speed. */
const AHEAD_MS = 15_000;
/** More than this is not loaded at higher speeds, because browsers hold 150 MB. */
const MOST_AHEAD_MS = 60_000;
/** What is kept behind it, so that steps backward need no loading. */
const BEHIND_MS = 20_000;
/** A picture is shown once the segments this near to the position are loaded. */
const NEEDED_MS = 300;
const RETRY_MS = 2000;
const HTTP_UNAUTHORIZED = 401;
const HTTP_NOT_FOUND = 404;

export interface PlayerState {
  /** A sentence about what is wrong; empty if nothing is. */
  problem: string;
  unsupportedCodec: string;
}

const NO_PROBLEM: PlayerState = { problem: "", unsupportedCodec: "" };

export class SegmentPlayer {
  readonly frames: FrameWatch;
  state: PlayerState = NO_PROBLEM;
  private readonly video: HTMLVideoElement;
  private readonly playlists: Playlists;
  private readonly buffer: MediaBuffer;
  private readonly ending = new AbortController();
  /** The segments that cannot be shown, by their start, until the page is opened again. */
  private readonly failed = new Set<number>();
  private positionMs = 0;
  private aheadMs = AHEAD_MS;
  private isFilling = false;
  private retryAtMs = 0;
  private isStarting = false;

  constructor(video: HTMLVideoElement, camera: string) {
    this.video = video;
    this.playlists = playlistsOf(camera);
    this.buffer = new MediaBuffer(video);
    this.frames = new FrameWatch(video);
  }

  /** Load what is needed to play from a position on. */
  want(positionMs: number, speed: number, nowMs: number): void {
    this.positionMs = positionMs;
    this.aheadMs = Math.min(MOST_AHEAD_MS, AHEAD_MS * Math.max(1, speed));
    if (!this.isFilling && nowMs >= this.retryAtMs) void this.fill();
  }

  /** Return whether the picture of a position can be shown, or never will be. */
  isReady(positionMs: number): boolean {
    if (this.state.problem !== "") return true;
    const needed = this.playlists.within(positionMs, positionMs + NEEDED_MS);
    return needed?.every((one) => this.isDone(one)) === true && !this.video.seeking;
  }

  /** Return whether there is a picture of a position. */
  hasPicture(positionMs: number): boolean {
    return this.buffer.hasPicture(mediaSecondsOf(positionMs));
  }

  get isSeeking(): boolean {
    return this.video.seeking;
  }

  /** Make the video follow the clock. */
  follow(positionMs: number, isPlaying: boolean, speed: number): void {
    const { video } = this;
    const wantedS = mediaSecondsOf(positionMs);
    if (!this.buffer.hasPicture(wantedS)) {
      video.pause();
      return;
    }
    if (video.seeking) return;
    const command = follow(video.currentTime, wantedS, isPlaying, speed);
    if (command.seekToS !== null) video.currentTime = command.seekToS;
    video.playbackRate = command.rate;
    if (!command.isPlaying) video.pause();
    else if (video.paused) void this.start();
  }

  close(): void {
    this.ending.abort();
    this.frames.close();
    this.buffer.close();
  }

  private isDone(segment: Segment): boolean {
    return this.failed.has(segment.fromMs) || this.buffer.holds(segment);
  }

  private async start(): Promise<void> {
    if (this.isStarting) return;
    this.isStarting = true;
    try {
      await this.video.play();
    } catch (error) {
      // A pause interrupts `play`; the next turn calls it again if it is still wanted.
      if (!isAborted(error)) throw error;
    } finally {
      this.isStarting = false;
    }
  }

  /** Load one thing after another until nothing near the position is missing. */
  private async fill(): Promise<void> {
    this.isFilling = true;
    try {
      while (!this.ending.signal.aborted && (await this.loadNext())) this.state = this.stateNow();
    } catch (error) {
      if (!isAborted(error)) this.report(error);
    } finally {
      this.isFilling = false;
    }
  }

  private async loadNext(): Promise<boolean> {
    const fromMs = this.positionMs;
    const toMs = fromMs + this.aheadMs;
    const { signal } = this.ending;
    if (await this.playlists.readMissing(fromMs, toMs, Date.now(), signal)) return true;
    const segments = this.playlists.within(fromMs, Math.min(toMs, Date.now())) ?? [];
    const next = segments.find((one) => !this.isDone(one));
    if (next === undefined) return false;
    await this.load(next);
    await this.buffer.keep(this.positionMs - BEHIND_MS, this.positionMs + 2 * this.aheadMs);
    return true;
  }

  private async load(segment: Segment): Promise<void> {
    if (!MediaSource.isTypeSupported(segment.mime)) {
      this.failed.add(segment.fromMs);
      this.state = { ...this.state, unsupportedCodec: codecOf(segment.mime) };
      return;
    }
    const { signal } = this.ending;
    try {
      const head = this.buffer.needsHead(segment) ? await bytes(segment.headAddress, signal) : null;
      const media = await bytes(segment.mediaAddress, signal);
      await this.buffer.append(segment, head, media);
    } catch (error) {
      if (!(error instanceof ApiProblem)) throw error;
      if (error.status === HTTP_UNAUTHORIZED) {
        this.playlists.forget(segment.fromMs, segment.toMs);
        return;
      }
      if (error.status !== HTTP_NOT_FOUND) throw error;
      this.failed.add(segment.fromMs); // deleted since it was listed
    }
  }

  private stateNow(): PlayerState {
    return { ...this.state, problem: "" };
  }

  /** Show what has failed, and try it again later. */
  private report(error: unknown): void {
    const isOfBrowser = error instanceof MediaFault || error instanceof DOMException;
    const failure = isOfBrowser ? error : failureOf(error);
    this.state = { ...this.state, problem: failure.message };
    this.retryAtMs = performance.now() + RETRY_MS;
  }
}

/** Return the playlists of a camera. */
function playlistsOf(camera: string): Playlists {
  return new Playlists((from, to, signal) => {
    const params = { path: { id: camera }, query: { from, to } };
    return result(api.GET("/v1/cameras/{id}/playlist", { params, signal }));
  });
}

/** Return the content of an address that has a ticket. Throws ApiProblem, Offline, AbortError. */
async function bytes(address: string, signal: AbortSignal): Promise<ArrayBuffer> {
  let response: Response;
  try {
    response = await fetch(address, { signal, cache: "no-store", credentials: "omit" });
  } catch (error) {
    if (isAborted(error)) throw error;
    throw new Offline(String(error));
  }
  if (response.ok) return await response.arrayBuffer();
  throw problemOf(response, await response.json().catch(() => null));
}

function codecOf(mime: string): string {
  return /codecs="([^"]*)"/.exec(mime)?.[1] ?? mime;
}
