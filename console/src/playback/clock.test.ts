import assert from "node:assert/strict";
import { test } from "node:test";
import { follow, PlaybackClock, SPEEDS } from "./clock.ts";

test("the clock advances at its speed while it plays and all cameras are ready", () => {
  const clock = new PlaybackClock(1000);
  clock.turn(0, true);
  clock.turn(100, true);
  assert.equal(clock.positionMs, 1000, "it is paused");
  clock.isPlaying = true;
  clock.speed = 4;
  clock.turn(150, true);
  assert.equal(clock.positionMs, 1200);
  clock.turn(200, false);
  assert.equal(clock.positionMs, 1200, "a camera still loads");
  clock.turn(250, true);
  assert.equal(clock.positionMs, 1400);
});

test("a page that was in the background does not jump", () => {
  const clock = new PlaybackClock(0);
  clock.isPlaying = true;
  clock.turn(0, true);
  clock.turn(60_000, true);
  assert.equal(clock.positionMs, 250);
});

test("a player seeks when it is far from the clock, and else changes its rate", () => {
  assert.deepEqual(follow(10, 12, true, 1), { seekToS: 12, rate: 1, isPlaying: true });
  assert.deepEqual(follow(12, 10, true, 1), { seekToS: 10, rate: 1, isPlaying: true });
  const near = follow(10, 10.125, true, 1);
  assert.deepEqual(near, { seekToS: null, rate: 1.125, isPlaying: true });
  assert.equal(follow(10.5, 10, true, 1).rate, 0.8);
  assert.deepEqual(follow(10, 10.005, false, 1), { seekToS: 10.005, rate: 1, isPlaying: false });
  assert.equal(follow(10, 10, false, 1).seekToS, null);
});

test("players that follow one clock are within a frame of each other after two seconds", () => {
  for (const speed of SPEEDS) {
    const clock = new PlaybackClock(0);
    clock.isPlaying = true;
    clock.speed = speed;
    const currentS = [0.4, -0.3, 0];
    for (let nowMs = 0; nowMs <= 10_000; nowMs += 50) {
      clock.turn(nowMs, true);
      for (const [index, now] of currentS.entries()) {
        const { seekToS, rate } = follow(now, clock.positionMs / 1000, true, speed);
        currentS[index] = (seekToS ?? now) + 0.05 * rate;
      }
    }
    const spreadS = Math.max(...currentS) - Math.min(...currentS);
    assert.ok(spreadS < 0.04, `at speed ${speed} they differ by ${spreadS} s`);
  }
});
