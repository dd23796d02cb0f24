// The connection of a tile to the live video of a camera: ticket, view, and connection again.
import { api, result } from "../api/client.ts";
import { ApiProblem, failureOf } from "../api/problem.ts";
import { reachability } from "../api/reachable.ts";
import type { ShowLive, Wishes } from "./live-state.ts";
import { MsePlayer } from "./mse-player.ts";
import { FINAL_STATUSES, type LivePlayer, type LiveReports } from "./player.ts";
import { Retries } from "./retries.ts";
import { type Fallback, RouteMemory } from "./routes.ts";
import { ShownDetections } from "./shown-detections.ts";
import { NoWebRtc, WhepPlayer } from "./whep-player.ts";

const memory = new RouteMemory();

export class LiveConnection {
  private readonly video: HTMLVideoElement;
  private readonly camera: string;
  private readonly wishes: Wishes;
  private readonly show: ShowLive;
  private player: LivePlayer | null = null;
  private isEnded = false;
  /** The timer of the next try; 0 if none is due. */
  private timer = 0;
  private readonly stopListening: () => void;
  private readonly detections: ShownDetections | null;
  private skips = 0;
  private readonly retries = new Retries();

  constructor(video: HTMLVideoElement, camera: string, wishes: Wishes, show: ShowLive) {
    this.video = video;
    this.camera = camera;
    this.wishes = wishes;
    this.show = show;
    this.stopListening = reachability.listen((isReachable) => {
      if (isReachable) this.openIfWaiting();
    });
    window.addEventListener("online", this.openIfWaiting);
    this.detections = wishes.wantsDetections
      ? new ShownDetections(video, (picture) => this.player?.shownS(picture) ?? null, show)
      : null;
  }

  async open(): Promise<void> {
    try {
      const cause = this.wishes.wantsDetections
        ? "detections"
        : (memory.causeFor(this.stream, Date.now()) ?? (await this.openWebRtc()));
      if (this.isEnded) return;
      this.show({ fallback: cause });
      if (cause !== null) await this.openWebSocket();
    } catch (error) {
      const failure = failureOf(error);
      this.again(
        failure instanceof ApiProblem && FINAL_STATUSES.includes(failure.status),
        failure.message,
      );
    }
  }

  /** Connect again at once, because the person wants to, or because the site is there again. */
  openNow(): void {
    this.stopTimer();
    this.retries.reset();
    this.show({ phase: "connecting", problem: "", unsupportedCodec: "" });
    void this.open();
  }

  end(): void {
    this.isEnded = true;
    this.stopTimer();
    this.stopListening();
    window.removeEventListener("online", this.openIfWaiting);
    this.detections?.end();
    this.player?.close();
  }

  /** Connect at once, because the network or the API is there again. */
  private readonly openIfWaiting = (): void => {
    if (this.timer !== 0) this.openNow();
  };

  private stopTimer(): void {
    window.clearTimeout(this.timer);
    this.timer = 0;
  }

  private get stream(): string {
    return this.wishes.wantsSub ? `${this.camera}/sub` : this.camera;
  }

  /** Return why WebRTC does not show the camera; null if it does. */
  private async openWebRtc(): Promise<Fallback | null> {
    if (typeof RTCPeerConnection === "undefined") return "browser";
    const player = new WhepPlayer(this.video, this.camera, this.reports);
    this.player = player;
    try {
      await player.open(this.wishes.wantsSub, this.wishes.wantsSound);
      return null;
    } catch (error) {
      player.close();
      if (this.isEnded) return null; // The tile was closed meanwhile.
      if (!(error instanceof NoWebRtc)) throw error;
      memory.note(this.stream, error.fallback, Date.now());
      return error.fallback;
    }
  }

  private async openWebSocket(): Promise<void> {
    const path = { id: this.camera };
    const query = this.wishes.wantsDetections ? { detections: "1" as const } : {};
    const { address } = await result(
      api.GET("/v1/cameras/{id}/live/ticket", { params: { path, query } }),
    );
    if (this.isEnded) return;
    const opened = this.wishes.wantsSound ? `${address}&sound=1` : address;
    this.player = new MsePlayer(this.video, opened, this.wishes.wantsSub, this.reports);
  }

  private readonly reports: LiveReports = {
    onPlaying: (stream) => {
      this.retries.reset();
      this.show({ phase: "playing", problem: "", unsupportedCodec: "", stream });
    },
    onDelay: (delayS) => this.show({ delayS }),
    onSkipped: () => {
      this.skips += 1;
      this.show({ skips: this.skips });
    },
    onDetections: (atS, items) => this.detections?.put(atS, items),
    onDetectionsState: (detectionsProblem) => this.show({ detectionsProblem }),
    onSoundProblem: (soundProblem) =>
      this.show({ soundProblem, soundRefusal: "", unsupportedSound: "" }),
    onSoundRefused: (soundRefusal) => this.show({ soundRefusal }),
    onSoundUnsupported: (unsupportedSound) => this.show({ unsupportedSound }),
    onUnsupported: (unsupportedCodec) => {
      this.again(true, "");
      this.show({ unsupportedCodec });
    },
    onEnd: (isFinal, sentence) => this.again(isFinal, sentence),
  };

  private again(isFinal: boolean, problem: string): void {
    if (this.isEnded) return;
    this.player?.close();
    this.player = null;
    this.show({ phase: isFinal ? "ended" : "waiting", problem, delayS: null });
    this.stopTimer();
    if (isFinal) return;
    this.timer = window.setTimeout(() => {
      this.timer = 0;
      void this.open();
    }, this.retries.next());
  }
}
