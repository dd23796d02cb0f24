import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../texts/en.ts";
import type { Coverage } from "./coverage.ts";
import { listedAnalysis, listedGaps } from "./listed-ranges.ts";

const gap = (fromMs: number, toMs: number, isOngoing = false) =>
  ({ fromMs, toMs, cause: "disk", detail: "full", isOngoing }) as const;
const NOTHING = { fromMs: 0, toMs: 100, recorded: [], offline: [] };
const COVERAGES: Record<string, Coverage> = {
  east: {
    ...NOTHING,
    gaps: [gap(5, 10), gap(60, 100, true)],
    partlyAnalysed: [{ fromMs: 20, toMs: 30, cause: "overload" }],
  },
  west: { ...NOTHING, gaps: [gap(1, 4)], partlyAnalysed: [] },
};
const of = (camera: string) => COVERAGES[camera];

test("gaps of all cameras are in the order of time, and lead to their ends", () => {
  const rows = listedGaps(["east", "west", "unknown"], of, { fromMs: 0, toMs: 100 }, en);
  assert.deepEqual(
    rows.map(({ camera, fromMs, seekMs, cause, detail }) => [
      camera,
      fromMs,
      seekMs,
      cause,
      detail,
    ]),
    [
      ["west", 1, 4, "disk fault", "full"],
      ["east", 5, 10, "disk fault", "full"],
      ["east", 60, null, "disk fault", "full"],
    ],
  );
});

test("times that were not analysed completely lead to their starts", () => {
  const rows = listedAnalysis(["east", "west"], of, { fromMs: 0, toMs: 100 }, en);
  assert.deepEqual(
    rows.map(({ camera, seekMs, cause }) => [camera, seekMs, cause]),
    [["east", 20, en.unanalysed.causes.overload]],
  );
});

test("only what overlaps the shown time is listed", () => {
  assert.deepEqual(listedGaps(["east", "west"], of, { fromMs: 10, toMs: 60 }, en), []);
});
