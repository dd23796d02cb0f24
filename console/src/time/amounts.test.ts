import assert from "node:assert/strict";
import { test } from "node:test";
import { unitsInEnglish } from "../texts/en/units.ts";
import { unitsInChinese } from "../texts/zh/units.ts";
import { distanceText, durationText } from "./amounts.ts";

test("durations name their units", () => {
  const longMs = ((26 * 60 + 5) * 60 + 9) * 1000;
  assert.equal(durationText(unitsInEnglish, longMs), "1 d 2 h 5 min");
  assert.equal(durationText(unitsInChinese, longMs), "1 天 2 小时 5 分钟");
  assert.equal(durationText(unitsInEnglish, 200), "1 s");
  assert.equal(durationText(unitsInEnglish, 59_900), "59 s");
  assert.equal(durationText(unitsInEnglish, -61_000), "-1 min");
});

test("distances from a kilometre on are in kilometres", () => {
  assert.equal(distanceText(unitsInEnglish, 999.4), "999 m");
  assert.equal(distanceText(unitsInEnglish, 9384), "9.4 km");
  assert.equal(distanceText(unitsInChinese, 9384), "9.4 公里");
});
