import assert from "node:assert/strict";
import { test } from "node:test";
import { apiFiltersOf, EMPTY_QUERY, outcomeOf, queryOf } from "./audit-query.ts";

test("a query and its address convert into each other", () => {
  const query = {
    ...EMPTY_QUERY,
    person: "li.wei",
    case: "2026-118",
    kind: "video" as const,
    outcome: "refused" as const,
    fromMs: Date.parse("2026-11-29T16:00:00Z"),
  };
  const address = new URLSearchParams({ ...apiFiltersOf(query) } as Record<string, string>);
  assert.equal(address.get("from"), "2026-11-29T16:00:00.000Z");
  assert.deepEqual(queryOf(address), query);
  assert.deepEqual(apiFiltersOf(EMPTY_QUERY), {});
  assert.deepEqual(queryOf(new URLSearchParams("outcome=lost&kind=odd&from=soon")), EMPTY_QUERY);
});

test("a line says how its call or its command ended", () => {
  const outcome = (status: number | null) => outcomeOf({ status });
  assert.equal(outcome(null), "intended");
  assert.equal(outcome(200), "done");
  assert.equal(outcome(403), "refused");
  assert.equal(outcome(503), "failed");
  assert.equal(outcome(0), "done");
  assert.equal(outcome(1), "failed");
});
