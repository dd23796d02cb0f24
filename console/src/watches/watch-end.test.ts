import assert from "node:assert/strict";
import { test } from "node:test";
import { endOf, passingsOf } from "./watch-end.ts";

const NOW_MS = Date.parse("2026-11-30T01:30:00.250Z");

test("a watch ends after its days, a minute early for clocks that differ", () => {
  assert.equal(endOf(1, NOW_MS), "2026-12-01T01:29:00.000Z");
  assert.equal(endOf(90, NOW_MS), "2027-02-28T01:29:00.000Z");
});

test("what a watch has found is a search from its start on", () => {
  const watch = { plate: "鄂C12345", fuzzy: true, placed_at: "2026-11-29T00:00:00.000Z" };
  const search = decodeURIComponent(`${passingsOf(watch)}`);
  assert.equal(search, "plate=鄂C12345&from=2026-11-29T00:00:00.000Z&fuzzy=1");
});
