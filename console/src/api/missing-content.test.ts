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
  missing.note("li /gone", gone, gone, AT_MS);
  missing.note("li /away", away, away, AT_MS);
  assert.equal(missing.of("li /gone", AT_MS + 599_000), gone);
  assert.equal(missing.of("li /gone", AT_MS + 600_000), null);
  assert.equal(missing.of("li /away", AT_MS + 59_000), away);
  assert.equal(missing.of("li /away", AT_MS + 60_000), null);
  assert.equal(missing.of("chen /gone", AT_MS), null);
});

test("a refusal that a reason removes, and a lost connection, are not remembered", () => {
  const missing = new MissingContent();
  const refused = problem(403, "reason_missing");
  missing.note("/a", refused, refused, AT_MS);
  missing.note("/b", new Offline(), null, AT_MS);
  assert.equal(missing.of("/a", AT_MS), null);
  assert.equal(missing.of("/b", AT_MS), null);
});
