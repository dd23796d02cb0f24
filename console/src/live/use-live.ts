// Keeps the live video of a camera in a <video> element: ticket, view, and connection again.
import type { RefObject } from "preact";
import { useEffect, useState } from "preact/hooks";
import { api, result } from "../api/client.ts";
import { ApiProblem, failureOf } from "../api/problem.ts";
import type { LiveMessage } from "./live-messages.ts";
import { LivePlayer } from "./live-player.ts";

export interface LiveState {
  /** `ended`: it is not connected again by itself. */
  phase: "connecting" | "playing" | "waiting" | "ended";
  /** A sentence about what is wrong; empty if nothing is. */
  problem: string;
  unsupportedCodec: string;
  delayS: number | null;
}

const START: LiveState = { phase: "connecting", problem: "", unsupportedCodec: "", delayS: null };
const FIRST_WAIT_MS = 1000;
const LONGEST_WAIT_MS = 30_000;
/** The statuses after which another try would be answered the same. */
const FINAL_STATUSES = [400, 401, 403, 404, 501];
/** The server closes with 4000 plus the status of the problem. */
const PROBLEM_CODES = 4000;

export function useLive(
  video: RefObject<HTMLVideoElement | null>,
  camera: string,
  wantsSub: boolean,
): LiveState {
  const [state, setState] = useState<LiveState>(START);
  useEffect(() => {
    setState(START);
    if (video.current === null) return undefined;
    const connection = new LiveConnection(video.current, camera, wantsSub, (change) =>
      setState((now) => ({ ...now, ...change })),
    );
    void connection.open();
    return () => connection.end();
  }, [video, camera, wantsSub]);
  return state;
}

class LiveConnection {
  private readonly video: HTMLVideoElement;
  private readonly camera: string;
  private readonly wantsSub: boolean;
  private readonly show: (change: Partial<LiveState>) => void;
  private player: LivePlayer | null = null;
  private isEnded = false;
  private timer = 0;
  private waitMs = FIRST_WAIT_MS;

  constructor(
    video: HTMLVideoElement,
    camera: string,
    wantsSub: boolean,
    show: (change: Partial<LiveState>) => void,
  ) {
    this.video = video;
    this.camera = camera;
    this.wantsSub = wantsSub;
    this.show = show;
  }

  async open(): Promise<void> {
    try {
      const path = { id: this.camera };
      const { address } = await result(
        api.GET("/v1/cameras/{id}/live/ticket", { params: { path } }),
      );
      if (!this.isEnded) this.play(address);
    } catch (error) {
      const failure = failureOf(error);
      this.show({ problem: failure.message });
      this.again(failure instanceof ApiProblem && FINAL_STATUSES.includes(failure.status));
    }
  }

  end(): void {
    this.isEnded = true;
    window.clearTimeout(this.timer);
    this.player?.close();
  }

  private play(address: string): void {
    this.player = new LivePlayer(this.video, address, {
      onMessage: (message) => this.take(message),
      onDelay: (delayS) => this.show({ delayS }),
      onUnsupported: (unsupportedCodec) => this.show({ unsupportedCodec }),
      onClosed: (code) => this.again(FINAL_STATUSES.includes(code - PROBLEM_CODES)),
    });
  }

  private take(message: LiveMessage): void {
    if (message.type === "init") {
      this.waitMs = FIRST_WAIT_MS;
      this.show({ phase: "playing", problem: "", unsupportedCodec: "" });
      if (this.wantsSub && message.cause === "start" && message.stream === "main") {
        this.player?.change("sub");
      }
    }
    // A camera without a sub-stream goes on with the main stream.
    if (message.type === "problem" && message.is_last) {
      this.show({ problem: message.problem.detail });
    }
  }

  private again(isFinal: boolean): void {
    if (this.isEnded) return;
    this.player?.close();
    this.player = null;
    this.show({ phase: isFinal ? "ended" : "waiting", delayS: null });
    if (isFinal) return;
    this.timer = window.setTimeout(() => void this.open(), this.waitMs);
    this.waitMs = Math.min(LONGEST_WAIT_MS, 2 * this.waitMs);
  }
}
