// Keeps the live video of a camera in a <video> element: ticket, view, and connection again.
import type { RefObject } from "preact";
import { useEffect, useRef, useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { ApiProblem, failureOf } from "../api/problem.ts";
import { reachability } from "../api/reachable.ts";
import { useConsole } from "../shell/console-context.ts";
import { type Detection, DetectionTracks } from "./detection-tracks.ts";
import { MsePlayer } from "./mse-player.ts";
import { FINAL_STATUSES, type LivePlayer, type LiveReports, type LiveStream } from "./player.ts";
import { Retries } from "./retries.ts";
import { type Fallback, RouteMemory } from "./routes.ts";
import { NoWebRtc, WhepPlayer } from "./whep-player.ts";

export interface LiveState {
  /** `ended`: it is not connected again by itself. */
  phase: "connecting" | "playing" | "waiting" | "ended";
  /** A sentence about what is wrong; empty if nothing is. */
  problem: string;
  unsupportedCodec: string;
  delayS: number | null;
  stream: LiveStream | null;
  /** Why the pictures do not come by WebRTC; null if they do. */
  fallback: Fallback | null;
  /** How often pictures were left out, because this viewer was too slow. */
  skips: number;
  /** What the shown picture shows, while the viewer wants to see that. */
  detections: readonly Detection[];
  /** Why no detections are sent; empty if they are, or if none are wanted. */
  detectionsProblem: string;
  /** Why the requested sound is not heard; empty if it is, or if none is wanted. */
  soundProblem: string;
  /** The name of the error with which the browser refuses to play sound; empty if it plays. */
  soundRefusal: string;
  /** The codec of sound that the browser cannot decode. */
  unsupportedSound: string;
  widthPx: number;
  heightPx: number;
}

const START: LiveState = {
  phase: "connecting",
  problem: "",
  unsupportedCodec: "",
  delayS: null,
  stream: null,
  fallback: null,
  skips: 0,
  detections: [],
  detectionsProblem: "",
  soundProblem: "",
  soundRefusal: "",
  unsupportedSound: "",
  widthPx: 0,
  heightPx: 0,
};
const memory = new RouteMemory();

interface Wishes {
  wantsSub: boolean;
  wantsDetections: boolean;
  wantsSound: boolean;
}

export function useLive(
  video: RefObject<HTMLVideoElement | null>,
  camera: string,
  { wantsSub, wantsDetections, wantsSound }: Wishes,
): LiveState & { connectNow: () => void } {
  const texts = useConsole().texts.live;
  const [state, setState] = useState<LiveState>(START);
  const current = useRef<LiveConnection | null>(null);
  useEffect(() => {
    setState(START);
    if (video.current === null) return undefined;
    const wishes = { wantsSub, wantsDetections, wantsSound };
    const connection = new LiveConnection(video.current, camera, wishes, (change) =>
      setState((now) => ({ ...now, ...change })),
    );
    current.current = connection;
    void connection.open();
    return () => {
      current.current = null;
      connection.end();
    };
  }, [video, camera, wantsSub, wantsDetections, wantsSound]);
  const refused = state.soundRefusal === "NotAllowedError" ? "soundNeedsClick" : "soundRefused";
  const soundProblem = state.soundRefusal === "" ? state.soundProblem : texts[refused];
  return { ...state, soundProblem, connectNow: () => current.current?.openNow() };
}

class LiveConnection {
  private readonly video: HTMLVideoElement;
  private readonly camera: string;
  private readonly wantsSub: boolean;
  private readonly wantsDetections: boolean;
  private readonly wantsSound: boolean;
  private readonly show: (change: Partial<LiveState>) => void;
  private player: LivePlayer | null = null;
  private isEnded = false;
  /** The timer of the next try; 0 if none is due. */
  private timer = 0;
  private readonly stopListening: () => void;
  private frameCallback = 0;
  private readonly tracks = new DetectionTracks();
  private hasBoxes = false;
  private skips = 0;
  private readonly retries = new Retries();

  constructor(
    video: HTMLVideoElement,
    camera: string,
    { wantsSub, wantsDetections, wantsSound }: Wishes,
    show: (change: Partial<LiveState>) => void,
  ) {
    this.video = video;
    this.camera = camera;
    this.wantsSub = wantsSub;
    this.wantsDetections = wantsDetections;
    this.wantsSound = wantsSound;
    this.show = show;
    this.stopListening = reachability.listen((isReachable) => {
      if (isReachable) this.openIfWaiting();
    });
    window.addEventListener("online", this.openIfWaiting);
    if (wantsDetections) this.followPictures();
  }

  async open(): Promise<void> {
    try {
      const cause = this.wantsDetections
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
    this.video.cancelVideoFrameCallback(this.frameCallback);
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

  /** Show with each picture what belongs to it. */
  private followPictures(): void {
    this.frameCallback = this.video.requestVideoFrameCallback((_, picture) => {
      const shownS = this.player?.shownS(picture) ?? null;
      const detections = shownS === null ? [] : this.tracks.at(shownS);
      const { width: widthPx, height: heightPx } = picture;
      if (detections.length > 0 || this.hasBoxes) this.show({ detections, widthPx, heightPx });
      this.hasBoxes = detections.length > 0;
      this.followPictures();
    });
  }

  private get stream(): string {
    return this.wantsSub ? `${this.camera}/sub` : this.camera;
  }

  /** Return why WebRTC does not show the camera; null if it does. */
  private async openWebRtc(): Promise<Fallback | null> {
    if (typeof RTCPeerConnection === "undefined") return "browser";
    const player = new WhepPlayer(this.video, this.camera, this.reports);
    this.player = player;
    try {
      await player.open(this.wantsSub, this.wantsSound);
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
    const query = this.wantsDetections ? { detections: "1" as const } : {};
    const { address } = await result(
      api.GET("/v1/cameras/{id}/live/ticket", { params: { path, query } }),
    );
    if (this.isEnded) return;
    const opened = this.wantsSound ? `${address}&sound=1` : address;
    this.player = new MsePlayer(this.video, opened, this.wantsSub, this.reports);
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
    onDetections: (atS, items) => this.tracks.put(atS, items),
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
