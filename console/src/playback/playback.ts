// Plays the recordings of several cameras in step: one clock, one player for each camera.

import { PlaybackClock, type Speed } from "./clock.ts";
import { type Coverage, momentAt, nextRecorded, type Recorded } from "./coverage.ts";
import { CoverageStore } from "./coverage-store.ts";
import { type Direction, FrameStep, type Shown } from "./frame-step.ts";
import { type PlayerState, SegmentPlayer } from "./segment-player.ts";

export interface PlaybackView {
  positionMs: number;
  isPlaying: boolean;
  /** Whether a camera still loads, so that all wait. */
  isWaiting: boolean;
  speed: Speed;
  /** The time without any recording that was passed over last. */
  skipped: Recorded | null;
  players: ReadonlyMap<string, PlayerState>;
}

/** Pages show the position this often; the pictures themselves follow each turn. */
const REPORT_MS = 100;
/** What comes this soon is loaded before a gap ends. */
const SOON_MS = 5000;
/** A key that is held down must not step on for long after it was released. */
const MAX_NEXT_STEPS = 3;

export class Playback {
  readonly coverage: CoverageStore;
  private readonly clock: PlaybackClock;
  private readonly players = new Map<string, SegmentPlayer>();
  private readonly show: (view: PlaybackView) => void;
  private skipped: Recorded | null = null;
  private isWaiting = false;
  private isSkipping = false;
  private reportedAtMs = 0;
  private turn = 0;
  private stepping: { player: SegmentPlayer; step: FrameStep } | null = null;
  /** The steps that were requested while another one was under way. */
  private nextSteps: readonly Direction[] = [];
  /** The duration of a frame, which the last step has found. */
  private frameMs: number | null = null;

  constructor(positionMs: number, show: (view: PlaybackView) => void) {
    this.clock = new PlaybackClock(positionMs);
    this.show = show;
    this.coverage = new CoverageStore(() => this.report());
    const loop = (nowMs: number) => {
      this.advance(nowMs);
      this.turn = requestAnimationFrame(loop);
    };
    this.turn = requestAnimationFrame(loop);
  }

  get positionMs(): number {
    return this.clock.positionMs;
  }

  view(): PlaybackView {
    const { positionMs, isPlaying, speed } = this.clock;
    return {
      ...{ positionMs, isPlaying, speed },
      isWaiting: this.isWaiting,
      skipped: this.skipped,
      players: new Map([...this.players].map(([camera, one]) => [camera, one.state])),
    };
  }

  /** Show a camera in an element; return what ends that. */
  attach(camera: string, video: HTMLVideoElement): () => void {
    const player = new SegmentPlayer(video, camera);
    this.players.set(camera, player);
    return () => {
      player.close();
      if (this.players.get(camera) === player) this.players.delete(camera);
    };
  }

  /** Return whether the picture of the present position is in the player of a camera. */
  hasPicture(camera: string): boolean {
    return this.players.get(camera)?.hasPicture(this.clock.positionMs) === true;
  }

  seek(positionMs: number): void {
    this.clock.positionMs = Math.min(positionMs, Date.now());
    this.skipped = null;
    this.stepping = null;
    this.nextSteps = [];
    this.report();
  }

  play(): void {
    this.clock.isPlaying = true;
    this.report();
  }

  pause(): void {
    this.clock.isPlaying = false;
    this.report();
  }

  setSpeed(speed: Speed): void {
    this.clock.speed = speed;
    this.report();
  }

  /** Pause, and show the next or the previous frame of the first camera that has a picture. */
  step(direction: Direction): void {
    const { positionMs } = this;
    this.pause();
    if (this.stepping !== null) {
      this.nextSteps = [...this.nextSteps, direction].slice(0, MAX_NEXT_STEPS);
      return;
    }
    const [player] = [...this.players.values()].filter((one) => one.hasPicture(positionMs));
    if (player === undefined) return;
    const step = new FrameStep(direction, positionMs, shownBy(player), this.frameMs);
    this.seek(step.target());
    this.stepping = { player, step };
  }

  end(): void {
    cancelAnimationFrame(this.turn);
    this.coverage.end();
    for (const player of this.players.values()) player.close();
    this.players.clear();
  }

  private advance(nowMs: number): void {
    const { clock } = this;
    for (const [camera, player] of this.players) {
      const soonMs = nextRecorded(this.coverageOf([camera]), clock.positionMs);
      if (soonMs !== null && soonMs - clock.positionMs < SOON_MS * clock.speed) {
        player.want(soonMs, clock.speed, nowMs);
      }
    }
    this.isWaiting = [...this.players].some(([camera, player]) => {
      const { kind } = momentAt(this.coverage.of(camera), clock.positionMs);
      return kind === "recorded" && !player.isReady(clock.positionMs);
    });
    clock.turn(nowMs, !this.isWaiting && !this.isSkipping);
    if (clock.isPlaying && clock.positionMs >= Date.now()) clock.isPlaying = false;
    if (clock.isPlaying && this.isAllGap()) void this.skip();
    const isRunning = clock.isPlaying && !this.isWaiting;
    for (const player of this.players.values()) {
      player.follow(clock.positionMs, isRunning, clock.speed);
    }
    this.goOnStepping();
    if (nowMs - this.reportedAtMs >= REPORT_MS) {
      this.reportedAtMs = nowMs;
      this.report();
    }
  }

  private goOnStepping(): void {
    const { stepping } = this;
    if (stepping === null || stepping.player.isSeeking || this.isWaiting) return;
    const result = stepping.step.result(shownBy(stepping.player));
    if (result === "waiting") return;
    const { nextSteps } = this;
    if (result === "again") {
      this.seek(stepping.step.target());
      this.stepping = stepping;
      this.nextSteps = nextSteps;
      return;
    }
    this.frameMs = result.frameMs;
    this.stepping = null;
    const [next, ...later] = nextSteps;
    if (next === undefined) return;
    this.step(next);
    this.nextSteps = later;
  }

  private coverageOf(cameras: Iterable<string>): Coverage[] {
    return [...cameras].flatMap((camera) => this.coverage.of(camera) ?? []);
  }

  private isAllGap(): boolean {
    return [...this.players.keys()].every(
      (camera) => momentAt(this.coverage.of(camera), this.clock.positionMs).kind === "gap",
    );
  }

  /** Go on at the next recording of any camera; pause if there is none. */
  private async skip(): Promise<void> {
    if (this.isSkipping) return;
    this.isSkipping = true;
    const fromMs = this.clock.positionMs;
    try {
      const cameras = [...this.players.keys()];
      const near = nextRecorded(this.coverageOf(cameras), fromMs);
      const toMs = near ?? (await this.coverage.next(cameras, fromMs));
      const hasMoved = this.clock.positionMs !== fromMs;
      if (hasMoved || !this.clock.isPlaying) return;
      if (toMs === null) this.clock.isPlaying = false;
      else {
        this.clock.positionMs = toMs;
        this.skipped = { fromMs, toMs };
      }
    } finally {
      this.isSkipping = false;
    }
    this.report();
  }

  private report(): void {
    this.show(this.view());
  }
}

function shownBy(player: SegmentPlayer): Shown {
  return { frameMs: player.frames.shownMs, count: player.frames.count };
}
