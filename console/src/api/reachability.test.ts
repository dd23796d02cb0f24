import assert from "node:assert/strict";
import { test } from "node:test";
import { Reachability } from "./reachability.ts";

test("the API is probed until it answers, and each change is reported once", async () => {
  const answers = [false, false, true];
  const waits: number[] = [];
  const reachability = new Reachability(
    async () => answers.shift() ?? false,
    async (durationMs) => {
      waits.push(durationMs);
    },
  );
  const changes: boolean[] = [];
  const stop = reachability.listen((isReachable) => changes.push(isReachable));
  const first = reachability.missed();
  assert.equal(reachability.isReachable, false);
  await reachability.missed(); // another request without an answer does not probe too
  await first;
  assert.deepEqual(changes, [false, true]);
  assert.deepEqual(waits, [3000, 3000, 3000]);
  assert.equal(reachability.isReachable, true);
  stop();
  answers.push(true);
  await reachability.missed();
  assert.equal(changes.length, 2);
});
