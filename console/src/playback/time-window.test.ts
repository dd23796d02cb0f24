import assert from "node:assert/strict";
import { test } from "node:test";
import {
  following,
  instantAt,
  MAX_SPAN_MS,
  partOf,
  preciseTime,
  spanOf,
  ticksOf,
  windowAround,
  withPosition,
  zoomed,
} from "./time-window.ts";

const ZONE = "Asia/Shanghai";
const NOON_MS = Date.parse("2025-11-24T12:00:00+08:00");
const HOUR_MS = 3_600_000;

test("a place and an instant convert into each other", () => {
  const window = windowAround(NOON_MS, HOUR_MS);
  assert.equal(partOf(window, NOON_MS), 0.5);
  assert.equal(instantAt(window, 0.25), NOON_MS - HOUR_MS / 4);
});

test("zoom keeps the place of an instant, from weeks to frames", () => {
  let window = windowAround(NOON_MS, HOUR_MS);
  const aboutMs = instantAt(window, 0.2);
  for (let step = 0; step < 40; step += 1) window = zoomed(window, 0.5, aboutMs);
  assert.equal(spanOf(window), 2000);
  assert.ok(Math.abs(partOf(window, aboutMs) - 0.2) < 1e-6);
  for (let step = 0; step < 40; step += 1) window = zoomed(window, 2, aboutMs);
  assert.equal(spanOf(window), MAX_SPAN_MS);
});

test("a window follows a position that leaves it", () => {
  const window = windowAround(NOON_MS, HOUR_MS);
  assert.equal(following(window, NOON_MS), window);
  assert.ok(Math.abs(partOf(following(window, NOON_MS + HOUR_MS), NOON_MS + HOUR_MS) - 0.1) < 1e-9);
});

test("what is read of a window contains the position, unless that is too far away", () => {
  const window = windowAround(NOON_MS, HOUR_MS);
  assert.deepEqual(withPosition(window, NOON_MS), window);
  assert.deepEqual(withPosition(window, NOON_MS + HOUR_MS), {
    fromMs: window.fromMs,
    toMs: NOON_MS + HOUR_MS + 1,
  });
  assert.deepEqual(withPosition(window, NOON_MS - MAX_SPAN_MS), window);
});

test("labels are at round times of the site", () => {
  const texts = (spanMs: number) =>
    ticksOf(windowAround(NOON_MS, spanMs), ZONE, 5).map((tick) => tick.text);
  assert.deepEqual(texts(HOUR_MS), ["11:30", "11:45", "12:00", "12:15", "12:30"]);
  assert.deepEqual(texts(24 * HOUR_MS), ["11-24", "06:00", "12:00", "18:00", "11-25"]);
  assert.deepEqual(texts(4 * 24 * HOUR_MS), ["11-23", "11-24", "11-25", "11-26"]);
  assert.deepEqual(texts(4000), ["11:59:58", "11:59:59", "12:00:00", "12:00:01", "12:00:02"]);
  assert.deepEqual(texts(1000), [
    "11:59:59.6",
    "11:59:59.8",
    "12:00:00.0",
    "12:00:00.2",
    "12:00:00.4",
  ]);
});

test("a moment is written with its milliseconds", () => {
  assert.equal(preciseTime(NOON_MS + 40, ZONE), "2025-11-24 12:00:00.040");
});
