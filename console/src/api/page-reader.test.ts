import assert from "node:assert/strict";
import { test } from "node:test";
import { PageReader } from "./page-reader.ts";
import { Offline } from "./problem.ts";

const PAGES = [
  { count: 2, next: "b" },
  { count: 0, next: "c" },
  { count: 0, next: "d" },
  { count: 1, next: null },
];

test("empty pages are passed over, and nothing is read after the last page", async () => {
  const asked: (string | null)[] = [];
  const reader = new PageReader(
    async (next) => {
      asked.push(next);
      return PAGES[asked.length - 1] ?? assert.fail("read after the end");
    },
    () => undefined,
  );
  await reader.more();
  assert.deepEqual(asked, [null]);
  assert.deepEqual(reader.state, { isLoading: false, hasMore: true, failure: null });
  await Promise.all([reader.more(), reader.more()]);
  assert.deepEqual(asked, [null, "b", "c", "d"], "one read at a time");
  assert.equal(reader.state.hasMore, false);
  await reader.more();
  assert.equal(asked.length, 4);
});

test("after a failure the same page is read again", async () => {
  const asked: (string | null)[] = [];
  const reader = new PageReader(
    async (next) => {
      asked.push(next);
      if (asked.length === 2) throw new Offline("no answer");
      return { count: 1, next: "b" };
    },
    () => undefined,
  );
  await reader.more();
  await reader.more();
  assert.equal(reader.state.failure?.name, "Offline");
  await reader.more();
  assert.equal(reader.state.failure, null);
  assert.deepEqual(asked, [null, "b", "b"]);
});

test("an ended reader reports nothing", async () => {
  let changes = 0;
  const reader = new PageReader(
    async () => {
      reader.end();
      return { count: 1, next: null };
    },
    () => {
      changes += 1;
    },
  );
  await reader.more();
  assert.equal(changes, 1, "only the start");
});
