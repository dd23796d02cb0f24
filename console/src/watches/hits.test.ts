import assert from "node:assert/strict";
import { test } from "node:test";
import { liveOf, NO_HITS, passingOf, type WatchMatch, withHit, withoutHit } from "./hits.ts";

function hit(id: string, plate: string | null = "鄂C12345"): WatchMatch {
  const event = { id: `event-${id}`, camera: "east-gate", corrected: null, plate: { text: plate } };
  return { id, event } as unknown as WatchMatch;
}

test("the newest hit is first, and one that is published again stays where it is", () => {
  const two = withHit(withHit(NO_HITS, hit("a")), hit("b"));
  assert.deepEqual(
    two.shown.map((one) => one.id),
    ["b", "a"],
  );
  const again = withHit(two, hit("a", "鄂C12346"));
  assert.deepEqual(
    again.shown.map((one) => one.event.plate?.text),
    ["鄂C12345", "鄂C12346"],
  );
  assert.deepEqual(
    withoutHit(again, "b").shown.map((one) => one.id),
    ["a"],
  );
});

test("hits beyond the limit are left out, and the list says so", () => {
  let hits = NO_HITS;
  for (let number = 0; number < 200; number += 1) hits = withHit(hits, hit(`${number}`));
  assert.equal(hits.isIncomplete, false);
  hits = withHit(hits, hit("one too many"));
  assert.deepEqual([hits.shown.length, hits.isIncomplete], [200, true]);
});

test("a hit leads to its passing and to its camera", () => {
  assert.equal(decodeURIComponent(`${passingOf(hit("a"))}`), "plate=鄂C12345&event=event-a");
  assert.equal(`${passingOf(hit("a", null))}`, "event=event-a");
  assert.equal(`${liveOf(hit("a"))}`, "size=1&cameras=east-gate");
});
