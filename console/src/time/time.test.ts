import assert from "node:assert/strict";
import { test } from "node:test";
import { hoursOf, PRESETS, presetOf, rangeOf } from "./presets.ts";
import { clockSpan, dayStart, instantOf, wallOf } from "./zone.ts";

const SHANGHAI = "Asia/Shanghai";
const BERLIN = "Europe/Berlin";
const NOW_MS = Date.parse("2026-11-30T01:30:00Z"); // 09:30 in Shanghai

test("a wall time and its instant convert into each other", () => {
  assert.equal(wallOf(NOW_MS, SHANGHAI), "2026-11-30T09:30:00");
  assert.equal(instantOf("2026-11-30T09:30", SHANGHAI), NOW_MS);
  assert.equal(instantOf("soon", SHANGHAI), null);
  assert.equal(instantOf("", SHANGHAI), null);
});

test("midnight is hour 0, not hour 24", () => {
  assert.equal(wallOf(Date.parse("2026-11-29T16:00:00Z"), SHANGHAI), "2026-11-30T00:00:00");
});

test("changes between summer and winter time are followed", () => {
  assert.equal(instantOf("2026-03-29T12:00", BERLIN), Date.parse("2026-03-29T10:00:00Z"));
  assert.equal(instantOf("2026-03-28T12:00", BERLIN), Date.parse("2026-03-28T11:00:00Z"));
  const noonMs = Date.parse("2026-03-29T10:00:00Z");
  assert.equal(dayStart(noonMs, 0, BERLIN), Date.parse("2026-03-28T23:00:00Z"));
  assert.equal(dayStart(noonMs, 1, BERLIN), Date.parse("2026-03-29T22:00:00Z"));
});

test("presets are days and hours of the site", () => {
  const evening = rangeOf("yesterdayEvening", NOW_MS, SHANGHAI);
  assert.equal(wallOf(evening.fromMs, SHANGHAI), "2026-11-29T17:00:00");
  assert.equal(wallOf(evening.toMs, SHANGHAI), "2026-11-30T00:00:00");
  const night = rangeOf("lastNight", NOW_MS, SHANGHAI);
  assert.equal(wallOf(night.fromMs, SHANGHAI), "2026-11-29T20:00:00");
  assert.equal(wallOf(night.toMs, SHANGHAI), "2026-11-30T06:00:00");
  const today = rangeOf("today", NOW_MS, SHANGHAI);
  assert.equal(today.toMs - today.fromMs, 86_400_000);
  assert.deepEqual(rangeOf("lastHour", NOW_MS, SHANGHAI), {
    fromMs: NOW_MS - 3_600_000,
    toMs: NOW_MS,
  });
});

test("the hours that a range in words says are those that it means", () => {
  for (const preset of PRESETS) {
    const { fromMs, toMs } = rangeOf(preset, NOW_MS, SHANGHAI);
    const ends = [fromMs, toMs].map((atMs) => wallOf(atMs, SHANGHAI).slice(11, 16));
    const said = hoursOf(preset);
    if (said !== "") assert.equal(ends.join("–"), said.replace("24:00", "00:00"), preset);
  }
  assert.equal(hoursOf("yesterdayEvening"), "17:00–24:00");
  assert.equal(hoursOf("lastNight"), "20:00–06:00");
  assert.equal(hoursOf("thisWeek"), "");
});

test("the week begins on Monday", () => {
  const sundayMs = Date.parse("2026-12-06T10:00:00Z");
  const week = rangeOf("thisWeek", sundayMs, SHANGHAI);
  assert.equal(wallOf(week.fromMs, SHANGHAI), "2026-11-30T00:00:00");
  assert.equal(wallOf(week.toMs, SHANGHAI), "2026-12-07T00:00:00");
});

test("a range is named by its preset, also a minute later", () => {
  const wednesdayMs = NOW_MS + 2 * 86_400_000; // on a Monday, this week is today
  for (const preset of PRESETS) {
    const range = rangeOf(preset, wednesdayMs, SHANGHAI);
    assert.equal(presetOf(range, wednesdayMs + 60_000, SHANGHAI), preset);
  }
  const own = { fromMs: NOW_MS - 5, toMs: NOW_MS - 1 };
  assert.equal(presetOf(own, NOW_MS, SHANGHAI), null);
});

test("a span of one day is said by the clock alone", () => {
  const minute = 60_000;
  assert.equal(clockSpan(NOW_MS, NOW_MS + 10 * minute, SHANGHAI), "09:30–09:40");
  assert.equal(clockSpan(NOW_MS, NOW_MS + 500, SHANGHAI), "09:30–09:30");
  assert.equal(clockSpan(NOW_MS, NOW_MS + 5_000, SHANGHAI), "09:30–09:30:05");
  const tomorrow = NOW_MS + 1440 * minute;
  assert.equal(clockSpan(NOW_MS, tomorrow, SHANGHAI), "2026-11-30 09:30–2026-12-01 09:30");
});
