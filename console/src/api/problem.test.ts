import assert from "node:assert/strict";
import { test } from "node:test";
import { problemOf } from "./problem.ts";

const NOW_MS = Date.parse("2026-11-24T13:55:04Z");

function retryAfterS(header: string | null): number | null {
  const headers: Record<string, string> = header === null ? {} : { "Retry-After": header };
  return problemOf(new Response(null, { status: 503, headers }), null, NOW_MS).retryAfterS;
}

test("the time until a retry is a number of seconds or a date", () => {
  assert.equal(retryAfterS("5"), 5);
  assert.equal(retryAfterS("Tue, 24 Nov 2026 13:55:34 GMT"), 30);
  assert.equal(retryAfterS("Tue, 24 Nov 2026 13:55:00 GMT"), 0);
});

test("a time until a retry that is neither is none", () => {
  for (const header of [null, "", "soon", "-5", "1.5"]) assert.equal(retryAfterS(header), null);
});

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
