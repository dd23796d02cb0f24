// Plays the live video of one camera by Media Source Extensions into a <video> element.
// docs/live.md describes the messages.
import { send } from "../api/client.ts";
import { sentenceOfProblem } from "../api/message.ts";
import { type ApiProblem, Offline, problemOf } from "../api/problem.ts";
import type {
  LiveInit,
  LiveMessage,
  LiveProblem,
  LiveSoundInit,
  LiveTiming,
} from "./live-messages.ts";
import { FINAL_STATUSES, type LivePlayer, type LiveReports } from "./player.ts";
import { SoundPlayer } from "./sound-player.ts";
import { isSound } from "./sound-sync.ts";

/** The delay behind the newest picture that is aimed at. */
const LIVE_DELAY_S = 0.2;
/** A player that is farther behind seeks. */
const SEEK_BEYOND_S = 2;
/** Shown pictures are removed from the buffer after this time. */
const KEPT_S = 10;
/** The server closes with this number plus the status of the problem. */
const PROBLEM_CODES = 4000;
/** The browser says this of a handshake that was refused, and of a broken connection. */
const REFUSED = 1006;
const UPGRADE_REQUIRED = 426;

export class MsePlayer implements LivePlayer {
  private readonly video: HTMLVideoElement;
  private readonly reports: LiveReports;
  private readonly source = new MediaSource();
  private readonly socket: WebSocket;
  private readonly url: string;
  private readonly waiting: { init: LiveInit | null; data: ArrayBuffer }[] = [];
  private buffer: SourceBuffer | null = null;
  private announced: LiveInit | null = null;
  private mime = "";
  private sentence = "";
  private hasMessages = false;
  private isClosed = false;
  private unsupported = "";
  private readonly wantsSub: boolean;
  private originS = 0;
  private isDecodable = false;
  private awaitsSub = false;
  private sound: SoundPlayer | null = null;
  private expectsSoundHead = false;
  /** The difference between media time and wall time of the pictures. */
  private mediaAfterWallS: number | null = null;
  /** How much this computer's clock is ahead of the site's; the fastest message shows it best. */
  private aheadS = Number.POSITIVE_INFINITY;

  /** `address` is the path of the WebSocket with its ticket. */
  constructor(video: HTMLVideoElement, address: string, wantsSub: boolean, reports: LiveReports) {
    this.video = video;
    this.wantsSub = wantsSub;
    this.reports = reports;
    this.url = URL.createObjectURL(this.source);
    this.socket = new WebSocket(new URL(address, location.href.replace(/^http/, "ws")));
    this.socket.binaryType = "arraybuffer";
    this.socket.addEventListener("message", ({ data }) => this.take(data));
    this.socket.addEventListener("close", ({ code }) => void this.end(code, address));
    this.source.addEventListener("sourceopen", () => this.append());
    video.src = this.url;
  }

  shownS({ mediaTime }: VideoFrameCallbackMetadata): number | null {
    return this.originS === 0 ? null : this.originS + mediaTime;
  }

  close(): void {
    this.isClosed = true;
    this.socket.close();
    this.sound?.close();
    this.video.removeAttribute("src");
    this.video.load();
    URL.revokeObjectURL(this.url);
  }

  private async end(code: number, address: string): Promise<void> {
    if (this.isClosed) return;
    const refusal = this.hasMessages || code !== REFUSED ? null : await refusalOf(address);
    if (this.isClosed) return;
    const status = refusal?.status ?? code - PROBLEM_CODES;
    this.reports.onEnd(FINAL_STATUSES.includes(status), refusal?.message ?? this.sentence);
  }

  private take(data: string | ArrayBuffer): void {
    this.hasMessages = true;
    if (typeof data !== "string") {
      if (this.expectsSoundHead || isSound(data)) {
        this.expectsSoundHead = false;
        this.sound?.take(data);
        return;
      }
      this.waiting.push({ init: this.announced, data });
      this.announced = null;
      this.append();
      return;
    }
    const message: LiveMessage = JSON.parse(data);
    if (message.type === "init") this.announce(message);
    if (message.type === "sound_init") this.beginSound(message);
    if (message.type === "sound_problem")
      this.reports.onSoundProblem(sentenceOfProblem(message.problem));
    if (message.type === "timing") this.measureDelay(message);
    if (message.type === "skipped") this.reports.onSkipped();
    if (message.type === "detections") this.reports.onDetections(message.media_s, message.items);
    if (message.type === "detections_state") {
      this.reports.onDetectionsState(message.problem ? sentenceOfProblem(message.problem) : "");
    }
    if (message.type === "problem") this.noteProblem(message);
  }

  private noteProblem({ is_last: isLast, problem }: LiveProblem): void {
    if (isLast) this.sentence = sentenceOfProblem(problem);
    else this.staysOnMain();
  }

  /** The sub-stream is not there. */
  private staysOnMain(): void {
    this.awaitsSub = false;
    if (this.unsupported !== "") this.reports.onUnsupported(this.unsupported);
  }

  private announce(init: LiveInit): void {
    this.announced = init;
    this.reports.onPlaying({ name: init.stream, isReduced: init.cause === "slow" });
    // A camera without a sub-stream goes on with the main stream.
    this.awaitsSub = this.wantsSub && init.cause === "start" && init.stream === "main";
    if (this.awaitsSub) this.socket.send(JSON.stringify({ stream: "sub" }));
  }

  private beginSound(init: LiveSoundInit): void {
    this.expectsSoundHead = true;
    this.sound?.close();
    this.sound = null;
    if (!MediaSource.isTypeSupported(init.mime)) {
      this.reports.onSoundUnsupported(init.codec);
      return;
    }
    this.reports.onSoundProblem("");
    this.sound = new SoundPlayer(
      this.video,
      init,
      () =>
        this.mediaAfterWallS === null || this.originS === 0
          ? null
          : this.originS + this.video.currentTime - this.mediaAfterWallS,
      (error) => this.reports.onSoundRefused(error),
    );
  }

  private append(): void {
    while (this.source.readyState === "open" && !this.buffer?.updating) {
      const next = this.waiting.shift();
      if (next === undefined) return;
      if (next.init !== null) this.isDecodable = this.begin(next.init);
      if (this.isDecodable) this.buffer?.appendBuffer(next.data);
    }
  }

  private begin(init: LiveInit): boolean {
    if (!MediaSource.isTypeSupported(init.mime)) {
      this.unsupported = init.codec;
      if (!this.awaitsSub) this.reports.onUnsupported(init.codec);
      return false;
    }
    this.unsupported = "";
    if (this.buffer === null) {
      // The media timeline is UTC. Whole seconds are subtracted, so that the numbers stay small.
      this.originS = Math.floor(init.starts_at_s);
      this.buffer = this.source.addSourceBuffer(init.mime);
      this.buffer.mode = "segments";
      this.buffer.timestampOffset = -this.originS;
      this.buffer.addEventListener("updateend", () => {
        this.follow();
        this.append();
      });
    } else if (this.mime !== init.mime) this.buffer.changeType(init.mime);
    this.mime = init.mime;
    return true;
  }

  /** Stay near the newest picture: faster while a little behind, and a seek while far behind. */
  private follow(): void {
    const { buffer, video } = this;
    if (buffer === null || buffer.buffered.length === 0) return;
    const ranges = buffer.buffered;
    const firstS = ranges.start(0);
    const startS = ranges.start(ranges.length - 1);
    const endS = ranges.end(ranges.length - 1);
    const behindS = endS - video.currentTime - LIVE_DELAY_S;
    if (video.currentTime < firstS) video.currentTime = firstS;
    else if (behindS > SEEK_BEYOND_S) video.currentTime = Math.max(startS, endS - LIVE_DELAY_S);
    else if (video.currentTime < startS && isStalled(ranges, video.currentTime)) {
      video.currentTime = startS;
    }
    video.playbackRate = behindS > 0.1 ? Math.min(2, 1 + behindS) : 1;
    if (video.paused) void this.play();
    if (!buffer.updating && video.currentTime - firstS > 2 * KEPT_S) {
      buffer.remove(0, video.currentTime - KEPT_S);
    }
  }

  private async play(): Promise<void> {
    try {
      await this.video.play();
    } catch (error) {
      // A pause or a new source interrupts `play`, which is then called again.
      if (!(error instanceof DOMException && error.name === "AbortError")) throw error;
    }
  }

  private measureDelay(timing: LiveTiming): void {
    this.mediaAfterWallS = timing.media_s - Date.parse(timing.picture_at) / 1000;
    const sentAtS = (Date.parse(timing.picture_at) + timing.delay_ms) / 1000;
    this.aheadS = Math.min(this.aheadS, Date.now() / 1000 - sentAtS);
    if (this.video.currentTime === 0) return;
    this.reports.onDelay(Date.now() / 1000 - this.aheadS - this.originS - this.video.currentTime);
  }
}

function isStalled(ranges: TimeRanges, timeS: number): boolean {
  for (let index = 0; index < ranges.length; index += 1) {
    if (ranges.start(index) <= timeS && timeS < ranges.end(index) - 0.1) return false;
  }
  return true;
}

/** Return why a handshake was refused: the same request without an upgrade is answered that. */
async function refusalOf(address: string): Promise<ApiProblem | null> {
  try {
    const response = await send(new Request(address, { cache: "no-store" }));
    if (response.status === UPGRADE_REQUIRED) return null;
    return problemOf(response, await response.json().catch(() => null));
  } catch (error) {
    if (error instanceof Offline) return null;
    throw error;
  }
}
