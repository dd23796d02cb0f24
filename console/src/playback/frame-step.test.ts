import assert from "node:assert/strict";
import { test } from "node:test";
import { type Direction, FrameStep } from "./frame-step.ts";

/** A video whose frames begin at these instants. It reports each frame that a seek shows. */
class FakeVideo {
  shown = { frameMs: 1000 as number | null, count: 1 };
  seeks = 0;
  private readonly frames: readonly number[];

  constructor(frames: readonly number[]) {
    this.frames = frames;
  }

  seek(positionMs: number): void {
    this.seeks += 1;
    const frameMs = this.frames.filter((one) => one <= positionMs).at(-1) ?? null;
    this.shown = { frameMs, count: this.shown.count + 1 };
  }

  /** Step once, as the playback does; return the duration of a frame. */
  step(direction: Direction, frameMs: number | null): number | null {
    const step = new FrameStep(direction, 1000, this.shown, frameMs);
    this.seek(step.target());
    for (;;) {
      const result = step.result(this.shown);
      if (typeof result === "object") return result.frameMs;
      if (result === "again") this.seek(step.target());
    }
  }
}

test("steps show each frame once, forward and backward, at any rate of frames", () => {
  for (const frameMs of [16, 33, 40, 100, 500]) {
    const frames = Array.from({ length: 20 }, (_, index) => 1000 + (index - 5) * frameMs);
    const video = new FakeVideo(frames);
    let found: number | null = null;
    for (let index = 6; index < 10; index += 1) {
      found = video.step(1, found);
      assert.equal(video.shown.frameMs, frames[index]);
    }
    assert.equal(found, frameMs);
    for (let index = 8; index > 3; index -= 1) {
      found = video.step(-1, found);
      assert.equal(video.shown.frameMs, frames[index]);
    }
  }
});

test("once the duration is known, a step needs one seek", () => {
  const video = new FakeVideo([1000, 1500, 2000, 2500]);
  const found = video.step(1, null);
  const before = video.seeks;
  video.step(1, found);
  assert.equal(video.seeks - before, 1);
});

test("a picture that stands still is left, and the end of a recording ends the step", () => {
  const video = new FakeVideo([1000, 9000]);
  assert.equal(video.step(1, 40), 8000);
  assert.equal(video.step(1, 40), null);
});
