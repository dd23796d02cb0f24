import assert from "node:assert/strict";
import { test } from "node:test";
import { MissingContent, waitBeforeRetryS } from "./missing-content.ts";
import { ApiProblem, Offline } from "./problem.ts";

const problem = (status: number, kind: string, retryAfterS: number | null = null) =>
  new ApiProblem(status, kind, "", "", retryAfterS);
const AT_MS = 1000;

test("only content that may appear is requested again, a few times", () => {
  assert.equal(waitBeforeRetryS(problem(503, "node_offline", 5), 1), 5);
  assert.equal(waitBeforeRetryS(problem(404, "not_found"), 4), 2);
  assert.equal(waitBeforeRetryS(problem(503, "node_offline", 5), 5), null);
  assert.equal(waitBeforeRetryS(problem(403, "forbidden"), 1), null);
  assert.equal(waitBeforeRetryS(problem(501, "codec_unsupported"), 1), null);
  assert.equal(waitBeforeRetryS(null, 1), 2);
});

test("what is missing is known for a while, longer if it is missing for good", () => {
  const missing = new MissingContent();
  const gone = problem(404, "not_found");
  const away = problem(503, "node_offline");
  missing.note("li", "/gone", gone, AT_MS);
  missing.note("li", "/away", away, AT_MS);
  assert.equal(missing.of("li", "/gone", AT_MS + 599_000), gone);
  assert.equal(missing.of("li", "/gone", AT_MS + 600_000), null);
  assert.equal(missing.of("li", "/away", AT_MS + 59_000), away);
  assert.equal(missing.of("li", "/away", AT_MS + 60_000), null);
  assert.equal(missing.of("chen", "/gone", AT_MS), null);
});

test("what is not ready, or was asked for too often, is known until Retry-After", () => {
  const missing = new MissingContent();
  const early = problem(409, "clip_not_ready", 2);
  const often = problem(429, "rate_limited");
  missing.note("li", "/early", early, AT_MS);
  missing.note("li", "/often", often, AT_MS);
  assert.equal(missing.of("li", "/early", AT_MS + 1_999), early);
  assert.equal(missing.of("li", "/early", AT_MS + 2_000), null);
  assert.equal(missing.of("li", "/often", AT_MS + 59_000), often);
  assert.equal(missing.of("li", "/often", AT_MS + 60_000), null);
});

test("a picture of a recent event may be on the way to the store", () => {
  const missing = new MissingContent();
  const path = "/v1/events/01ARYZ6S41TSV4RRFFQ69G5FAV/snapshot";
  const eventMs = Date.parse("2016-07-30T22:36:16.385Z");
  const absent = problem(404, "not_found");
  for (const [age, blocked] of [
    [3_599_000, 60_000],
    [3_600_000, 600_000],
  ] as const) {
    const nowMs = eventMs + age;
    missing.note("li", path, absent, nowMs);
    assert.equal(missing.of("li", path, nowMs + blocked - 1), absent);
    assert.equal(missing.of("li", path, nowMs + blocked), null);
  }
});

test("a refusal that a reason removes, and a lost connection, are not remembered", () => {
  const missing = new MissingContent();
  missing.note("li", "/a", problem(403, "reason_missing"), AT_MS);
  missing.note("li", "/b", new Offline(), AT_MS);
  assert.equal(missing.of("li", "/a", AT_MS), null);
  assert.equal(missing.of("li", "/b", AT_MS), null);
});
