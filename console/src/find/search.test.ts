import assert from "node:assert/strict";
import { test } from "node:test";
import {
  apiQueryOf,
  EMPTY_SEARCH,
  filterCount,
  parametersOf,
  type Search,
  searchOf,
} from "./search.ts";

const FULL: Search = {
  plate: "鄂C1*",
  fuzzy: true,
  kind: "vehicle",
  fromMs: Date.parse("2026-11-29T09:00:00Z"),
  toMs: Date.parse("2026-11-29T16:00:00Z"),
  area: "danjiangkou/junzhou",
  class: "A",
  color: "blue",
  camera: "east-gate",
  direction: "away",
  near: "111.513,32.54,400",
  within: "",
  order: "oldest",
};

test("a search and its address convert into each other", () => {
  assert.deepEqual(searchOf(parametersOf(FULL)), FULL);
  assert.deepEqual(searchOf(new URLSearchParams()), EMPTY_SEARCH);
  assert.equal(parametersOf(EMPTY_SEARCH).toString(), "");
});

test("values that the API does not know count as absent", () => {
  const typed = new URLSearchParams("kind=bicycle&from=soon&order=random&class=D&color=&unknown=1");
  assert.deepEqual(searchOf(typed), EMPTY_SEARCH);
});

test("misreadings are requested only for a whole plate", () => {
  assert.equal(apiQueryOf(FULL).fuzzy, undefined);
  assert.equal(apiQueryOf({ ...FULL, plate: " 鄂C12345 " }).fuzzy, true);
  assert.equal(apiQueryOf({ ...EMPTY_SEARCH, fuzzy: true }).fuzzy, undefined);
  assert.equal(apiQueryOf({ ...FULL, plate: " 鄂C12345 " }).plate, "鄂C12345");
});

test("times are sent in UTC, and the default order is not sent", () => {
  assert.equal(apiQueryOf(FULL).from, "2026-11-29T09:00:00.000Z");
  assert.equal(apiQueryOf(FULL).order, "oldest");
  assert.deepEqual(apiQueryOf(EMPTY_SEARCH), {});
});

test("filters are counted without plate and kind", () => {
  assert.equal(filterCount(FULL), 7);
  assert.equal(filterCount(EMPTY_SEARCH), 0);
});
