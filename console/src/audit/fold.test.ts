import assert from "node:assert/strict";
import { test } from "node:test";
import { type FoldableLine, folded } from "./fold.ts";

const NOW_MS = Date.parse("2026-11-30T10:00:00Z");
let number = 0;

/** Return a line of some seconds ago. */
function line(secondsAgo: number, route: string, changed: Partial<FoldableLine> = {}) {
  number += 1;
  return {
    id: `${number}`,
    at: new Date(NOW_MS - 1000 * secondsAgo).toISOString(),
    person: "li.wei",
    address: "10.0.0.7",
    route,
    terms: {},
    reason: "theft",
    case: "",
    status: 200,
    request: `request ${number}`,
    ...changed,
  };
}

function shown(lines: readonly FoldableLine[]): [string, number, number][] {
  return folded(lines).map(({ line, times, tries }) => [line.route, times, tries]);
}

test("one search is one line", () => {
  const terms = { plate: "鄂C*12*K" };
  const lines = [
    line(1, "events.histogram", { terms: { ...terms, buckets: "60" } }),
    line(2, "events.search", { terms: { ...terms, limit: "50" } }),
    line(9, "plates.list", { terms: { start: "鄂C1" } }),
    line(12, "plates.list", { terms: { start: "鄂C" } }),
  ];
  assert.deepEqual(shown(lines), [["events.search", 1, 0]]);
  const further = line(0, "events.search", { terms: { ...terms, next: "x" } });
  assert.deepEqual(shown([further, ...lines]), [["events.search", 1, 0]], "the next page");
  const again = line(0, "events.search", { terms, status: 500 });
  assert.deepEqual(shown([again, ...lines]), [["events.search", 2, 0]]);
  const [action] = folded(lines);
  assert.equal(action?.line.terms.plate, "鄂C*12*K");
  assert.equal(action?.lines.length, 4);
});

test("another search, person, reason or hour is another line", () => {
  const search = (secondsAgo: number, changed: Partial<FoldableLine>) =>
    line(secondsAgo, "events.search", { terms: { plate: "A" }, ...changed });
  const lines = [
    search(0, {}),
    search(1, { terms: { plate: "B" } }),
    search(2, { person: "chen" }),
    search(3, { reason: "flight" }),
    search(4, { terms: { plate: "A", direction: "north" } }),
    search(5, { terms: { plate: "A", lane: "2" } }),
    search(6, { terms: { plate: "A", min_confidence: "0.5" } }),
    search(7, { terms: { plate: "A", format: "csv" } }),
    search(3600, {}),
  ];
  assert.equal(folded(lines).length, 9);
});

test("the tries of a tile are one line with their number, and its refusal is another", () => {
  const live = (secondsAgo: number, status: number, id = "gate") =>
    line(secondsAgo, "camera.live_ticket", { terms: { id }, status });
  const tries = Array.from({ length: 20 }, (_, index) => live(30 * index, 503));
  assert.deepEqual(shown([...tries, live(600, 503, "other")]), [
    ["camera.live_ticket", 1, 19],
    ["camera.live_ticket", 1, 0],
  ]);
  assert.equal(folded([live(0, 503), live(1, 403)]).length, 2);
  const watched = [
    line(0, "camera.live", { terms: { id: "gate" }, status: 101 }),
    live(1, 200),
    live(2, 503),
  ];
  assert.deepEqual(shown(watched), [["camera.live", 1, 1]], "it was watched once");
});

test("an intent, its outcome and the end of the viewing are one call", () => {
  const request = "a1";
  const lines = [
    line(1, "camera.whep", { request, terms: { id: "gate", until: "x" } }),
    line(60, "camera.whep", { request, terms: { id: "gate" }, status: 201 }),
    line(61, "camera.whep", { request, terms: { id: "gate" }, status: null }),
    line(70, "person.add", { request: "b1", status: 201 }),
    line(71, "person.add", { request: "b1", status: null }),
    line(80, "person.add", { request: "", status: 0 }),
  ];
  assert.deepEqual(shown(lines), [
    ["camera.whep", 1, 0],
    ["person.add", 1, 0],
    ["person.add", 1, 0],
  ]);
});

test("the pictures of cards are one line", () => {
  const lines = ["a", "b", "c"].flatMap((id, index) => [
    line(index, "event.snapshot", { terms: { id } }),
    line(index, "event.crop", { terms: { id } }),
  ]);
  assert.deepEqual(shown(lines), [["event.snapshot", 1, 0]]);
});
