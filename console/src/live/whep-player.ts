// Plays the live video of one camera by WebRTC (WHEP) into a <video> element.
import { api, result, send } from "../api/client.ts";
import { sentenceOfProblem } from "../api/message.ts";
import { ApiProblem, failureOf, Offline, problemOf } from "../api/problem.ts";
import { FINAL_STATUSES, type LivePlayer, type LiveReports } from "./player.ts";
import { delayS, type Fallback, fallbackFor, hasH264, refusesSound } from "./routes.ts";

/** WebRTC cannot show this view; the other way may. */
export class NoWebRtc extends Error {
  readonly fallback: Fallback;

  constructor(fallback: Fallback) {
    super(`no WebRTC: ${fallback}`);
    this.fallback = fallback;
  }
}

const PICTURE_WITHIN_MS = 5000;
const CHECK_EVERY_MS = 1000;
/** A player without a new picture for this time asks for the cause. */
const STALLED_AFTER_MS = 2500;

export class WhepPlayer implements LivePlayer {
  private readonly video: HTMLVideoElement;
  private readonly camera: string;
  private readonly reports: LiveReports;
  private readonly connection = new RTCPeerConnection();
  private readonly tracks = new MediaStream();
  private session = "";
  /** How much the site's clock is ahead of this computer's. */
  private siteAheadMs: number | null = null;
  private skipped = 0;
  private widthPx = 0;
  private pictureAtMs = 0;
  private rtpTimestamp: number | null = null;
  private timer = 0;
  private frameCallback = 0;
  private isClosed = false;
  private isAsking = false;

  constructor(video: HTMLVideoElement, camera: string, reports: LiveReports) {
    this.video = video;
    this.camera = camera;
    this.reports = reports;
  }

  /** Return when the first picture is shown. Throws NoWebRtc, ApiProblem, and Offline. */
  async open(wantsSub: boolean, wantsSound: boolean): Promise<void> {
    this.connection.addTransceiver("video", { direction: "recvonly" });
    if (wantsSound) this.connection.addTransceiver("audio", { direction: "recvonly" });
    this.connection.addEventListener("track", ({ track }) => {
      this.tracks.addTrack(track);
      // The packets of a track that is muted have ended. They may return.
      if (track.kind === "audio") {
        track.addEventListener("mute", () => void this.ask());
        track.addEventListener("unmute", () => void this.ask());
      }
      this.video.srcObject = this.tracks;
      // A new source interrupts `play`; the element plays by itself then.
      this.video.autoplay = true;
    });
    await this.connection.setLocalDescription(await this.connection.createOffer());
    const offer = this.connection.localDescription?.sdp ?? "";
    if (!hasH264(offer)) throw new NoWebRtc("browser");
    const answer = await this.requested(offer, wantsSub, wantsSound);
    if (this.isClosed) {
      await this.endSession();
      return;
    }
    if (wantsSound && refusesSound(answer)) await this.checkSound();
    await this.connection.setRemoteDescription({ type: "answer", sdp: answer });
    await this.firstPicture();
    this.connection.addEventListener("connectionstatechange", () => {
      if (["failed", "closed"].includes(this.connection.connectionState)) void this.ask();
    });
    this.timer = window.setInterval(() => this.check(), CHECK_EVERY_MS);
    await this.ask();
  }

  /** Detections are sent by the WebSocket only. */
  shownS(): number | null {
    return null;
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    window.clearInterval(this.timer);
    this.video.cancelVideoFrameCallback(this.frameCallback);
    this.connection.close();
    this.video.srcObject = null;
    if (this.session !== "") void this.endSession();
  }

  private async requested(offer: string, wantsSub: boolean, wantsSound: boolean): Promise<string> {
    const query = new URLSearchParams();
    if (wantsSub) query.set("stream", "sub");
    if (wantsSound) query.set("sound", "1");
    const response = await send(
      new Request(`/v1/cameras/${encodeURIComponent(this.camera)}/whep?${query}`, {
        method: "POST",
        headers: { "Content-Type": "application/sdp" },
        body: offer,
      }),
    );
    if (response.status === 201) {
      this.session = response.headers.get("Location")?.split("/").at(-1) ?? "";
      return await response.text();
    }
    const problem = problemOf(response, await response.json().catch(() => null));
    if (problem.kind === "query_invalid" && wantsSub) {
      return await this.requested(offer, false, wantsSound);
    }
    const fallback = fallbackFor(problem.kind);
    throw fallback === null ? problem : new NoWebRtc(fallback);
  }

  /** Throw NoWebRtc if the camera's sound can be heard by the other way only. */
  private async checkSound(): Promise<void> {
    const problem = (await this.state()).sound_problem;
    if (problem?.type.endsWith(":codec_unsupported")) throw new NoWebRtc("sound");
  }

  private firstPicture(): Promise<void> {
    return new Promise((resolve, reject) => {
      const timeout = window.setTimeout(() => reject(new NoWebRtc("network")), PICTURE_WITHIN_MS);
      const onPicture: VideoFrameRequestCallback = (nowMs, { width, rtpTimestamp }) => {
        window.clearTimeout(timeout);
        resolve();
        if (this.isClosed) return;
        this.pictureAtMs = nowMs;
        this.rtpTimestamp = rtpTimestamp ?? null;
        // Another size is another stream.
        if (this.widthPx !== 0 && this.widthPx !== width) void this.ask();
        this.widthPx = width;
        this.frameCallback = this.video.requestVideoFrameCallback(onPicture);
      };
      this.frameCallback = this.video.requestVideoFrameCallback(onPicture);
    });
  }

  private check(): void {
    // A page in the background shows no pictures, and nothing is wrong.
    if (document.hidden) this.pictureAtMs = performance.now();
    if (performance.now() - this.pictureAtMs > STALLED_AFTER_MS) void this.ask();
    if (this.rtpTimestamp === null || this.siteAheadMs === null) return;
    this.reports.onDelay(delayS(this.rtpTimestamp, Date.now() + this.siteAheadMs));
  }

  /** Ask what this viewer is sent, and report it. */
  private async ask(): Promise<void> {
    if (this.isAsking || this.isClosed) return;
    this.isAsking = true;
    try {
      await this.report();
    } catch (error) {
      const failure = failureOf(error);
      if (!this.isClosed) this.end(failure instanceof ApiProblem ? failure.status : 0, failure);
    } finally {
      this.isAsking = false;
    }
  }

  private async state() {
    const path = { id: this.camera, session: this.session };
    return await result(api.GET("/v1/cameras/{id}/whep/{session}/state", { params: { path } }));
  }

  private async report(): Promise<void> {
    const askedMs = Date.now();
    const state = await this.state();
    if (this.isClosed) return;
    this.siteAheadMs = Date.parse(state.at) - (askedMs + Date.now()) / 2;
    if (state.problem) {
      const { problem } = state;
      this.reports.onEnd(FINAL_STATUSES.includes(problem.status), sentenceOfProblem(problem));
      return;
    }
    if (state.skipped > this.skipped) this.reports.onSkipped();
    this.skipped = state.skipped;
    const sound = state.sound_problem;
    this.reports.onSoundProblem(sound ? sentenceOfProblem(sound) : "");
    this.reports.onPlaying({ name: state.stream, isReduced: state.is_reduced });
  }

  /** A session that is not there any more was lost, and is opened again. */
  private end(status: number, failure: Error): void {
    const isLost = status === 404;
    this.reports.onEnd(FINAL_STATUSES.includes(status) && !isLost, isLost ? "" : failure.message);
  }

  private async endSession(): Promise<void> {
    const path = { id: this.camera, session: this.session };
    try {
      await api.DELETE("/v1/cameras/{id}/whep/{session}", { params: { path } });
    } catch (error) {
      // The site ends a session by itself when its viewer is gone.
      if (!(error instanceof Offline)) throw error;
    }
  }
}
