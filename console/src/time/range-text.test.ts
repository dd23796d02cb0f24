import assert from "node:assert/strict";
import { test } from "node:test";
import { rangeOfText } from "./range-text.ts";
import { wallOf } from "./zone.ts";

const ZONE = "Asia/Shanghai";
const NOW_MS = Date.parse("2026-11-30T01:30:00Z"); // 09:30 in Shanghai

function walls(text: string, nearMs = NOW_MS): string[] | null {
  const range = rangeOfText(text, nearMs, NOW_MS, ZONE);
  return range && [wallOf(range.fromMs, ZONE), wallOf(range.toMs, ZONE)];
}

test("a range of hours is on the day of the position", () => {
  const expected = ["2026-11-30T03:10:00", "2026-11-30T03:20:00"];
  const forms = [
    "3:10-3:20",
    " 03:10 – 03:20 ",
    "3:10 to 3:20",
    "3：10至3：20",
    "3点10分到3点20分",
  ];
  for (const form of forms) assert.deepEqual(walls(form), expected, form);
  assert.deepEqual(walls("3:10:05-3:10:20"), ["2026-11-30T03:10:05", "2026-11-30T03:10:20"]);
  const threeDaysAgoMs = NOW_MS - 3 * 86_400_000;
  assert.deepEqual(walls("3:10-3:20", threeDaysAgoMs), [
    "2026-11-27T03:10:00",
    "2026-11-27T03:20:00",
  ]);
});

test("a range that is not over is that of the day before", () => {
  assert.deepEqual(walls("15:10-15:20"), ["2026-11-29T15:10:00", "2026-11-29T15:20:00"]);
});

test("a range across midnight ends on the next day", () => {
  assert.deepEqual(walls("23:50-0:10"), ["2026-11-29T23:50:00", "2026-11-30T00:10:00"]);
});

test("other texts are no range", () => {
  for (const text of ["", "3:10", "25:00-26:00", "3:60-4:00", "3:10-3:10", "soon"]) {
    assert.equal(walls(text), null, text);
  }
});
