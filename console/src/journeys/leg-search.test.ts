import assert from "node:assert/strict";
import { test } from "node:test";
import { missedAt, wallOfExpected } from "./leg-search.ts";

test("a missed camera is searched from before the leg until after it", () => {
  const from = { best_at: "2026-11-30T01:30:00.500Z" };
  const to = { best_at: "2026-11-30T01:40:00.000Z" };
  const expected =
    "from=2026-11-30T01:29:30.500Z&to=2026-11-30T01:40:30.000Z&camera=bridge&order=oldest";
  assert.equal(decodeURIComponent(`${missedAt("bridge", from, to)}`), expected);
  assert.equal(decodeURIComponent(`${missedAt("bridge", to, from)}`), expected);
});

test("the cameras that should see it next make a wall", () => {
  const near = (id: string) => ({ id, name: id, distance_m: 400 });
  const wall = wallOfExpected([near("bridge"), near("school")]);
  assert.equal(decodeURIComponent(`${wall}`), "cameras=bridge,school");
});
