import assert from "node:assert/strict";
import { test } from "node:test";
import { coverageOf, includes, momentAt, nextRecorded, recordedMs } from "./coverage.ts";

const instant = (seconds: number) => new Date(seconds * 1000).toISOString();
const COVERAGE = coverageOf({
  camera: "gate",
  from: instant(0),
  to: instant(100),
  recorded: [
    { from: instant(10), to: instant(20), where: "local" },
    { from: instant(50), to: instant(90), where: "both" },
  ],
  gaps: [
    {
      from: instant(20),
      to: instant(50),
      cause: "camera_down",
      detail: "it refused the password",
      message: { template: "it refused the password", parts: {} },
      since: instant(20),
      ongoing: false,
    },
  ],
  offline: [],
  analysed: {
    complete: [{ from: instant(0), to: instant(20) }],
    partly: [
      { from: instant(20), to: instant(50), cause: "camera_down" },
      { from: instant(50), to: instant(60), cause: "overload" },
    ],
    is_summary: false,
  },
});

test("the times that were not analysed completely are read, with their causes", () => {
  const parts = COVERAGE.partlyAnalysed.map(({ fromMs, toMs, cause }) => [fromMs, toMs, cause]);
  assert.deepEqual(parts, [
    [20_000, 50_000, "camera_down"],
    [50_000, 60_000, "overload"],
  ]);
});

test("a moment is recorded, a gap with its cause, or open", () => {
  assert.equal(momentAt(COVERAGE, 10_000).kind, "recorded");
  const gap = momentAt(COVERAGE, 20_000);
  assert.equal(gap.kind === "gap" && gap.gap.cause, "camera_down");
  assert.equal(momentAt(COVERAGE, 95_000).kind, "open");
  assert.equal(momentAt(undefined, 95_000).kind, "open");
});

test("the next recording is the first of any camera", () => {
  const other = { ...COVERAGE, recorded: [{ fromMs: 30_000, toMs: 40_000 }] };
  assert.equal(nextRecorded([COVERAGE], 15_000), 15_000);
  assert.equal(nextRecorded([COVERAGE], 20_000), 50_000);
  assert.equal(nextRecorded([COVERAGE, other], 20_000), 30_000);
  assert.equal(nextRecorded([COVERAGE, other], 90_000), null);
});

test("a coverage includes the ranges that it was read for", () => {
  assert.equal(includes(COVERAGE, { fromMs: 5_000, toMs: 100_000 }), true);
  assert.equal(includes(COVERAGE, { fromMs: 5_000, toMs: 100_001 }), false);
  assert.equal(includes(undefined, { fromMs: 5_000, toMs: 6_000 }), false);
});

test("the recorded part of a range is what its recordings have of it", () => {
  assert.equal(recordedMs(COVERAGE, { fromMs: 0, toMs: 100_000 }), 50_000);
  assert.equal(recordedMs(COVERAGE, { fromMs: 15_000, toMs: 51_000 }), 6_000);
  assert.equal(recordedMs(COVERAGE, { fromMs: 20_000, toMs: 50_000 }), 0);
});
