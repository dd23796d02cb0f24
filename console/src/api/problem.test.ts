import assert from "node:assert/strict";
import { test } from "node:test";
import { problemOf } from "./problem.ts";

const NOW_MS = Date.parse("2026-11-24T13:55:04Z");

test("a problem says its message in the language of the answer", () => {
  const body = {
    type: "urn:sightline:problem:not_found",
    detail: "there is no event 01",
    message: { template: "there is no event {event}", parts: { event: "{event}" } },
  };
  const problem = problemOf(new Response(null, { status: 404 }), body);
  assert.deepEqual([problem.kind, problem.message], ["not_found", "there is no event {event}"]);
  const older = problemOf(new Response(null, { status: 404 }), { ...body, message: undefined });
  assert.equal(older.message, "there is no event 01");
});
