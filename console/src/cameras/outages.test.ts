import assert from "node:assert/strict";
import { test } from "node:test";
import { shownOutages, withExamined } from "./outages.ts";

test("outages that last are first, then the longest; other cameras are left out", () => {
  const outages = [
    { camera: "short", missing_ms: 10, ongoing: false },
    { camera: "long", missing_ms: 500, ongoing: false },
    { camera: "now", missing_ms: 5, ongoing: true },
    { camera: "other", missing_ms: 900, ongoing: false },
  ];
  const shown = shownOutages(outages, new Set(["short", "long", "now"]));
  assert.deepEqual(
    shown.map(({ camera }) => camera),
    ["now", "long", "short"],
  );
});

test("what the recordings of a camera say is shown in place of what its node logged", () => {
  const logged = [
    { camera: "gate", missing_ms: 10 },
    { camera: "yard", missing_ms: 20 },
  ];
  const examined = [
    { camera: "gate", missing_ms: 60 },
    { camera: "hall", missing_ms: 5 },
  ];
  assert.deepEqual(
    withExamined(logged, examined).map(({ camera, missing_ms }) => [camera, missing_ms]),
    [
      ["gate", 60],
      ["yard", 20],
      ["hall", 5],
    ],
  );
});
