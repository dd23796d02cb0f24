import assert from "node:assert/strict";
import { test } from "node:test";
import { addressToRestore } from "./kept-address.ts";

const AT_MS = Date.parse("2026-11-30T01:30:00Z");
const kept = JSON.stringify({ address: "#/find?plate=*8888", atMs: AT_MS });

test("an address is used until the sign-in at the provider would be too old", () => {
  assert.equal(addressToRestore(kept, AT_MS + 599_000), "#/find?plate=*8888");
  assert.equal(addressToRestore(kept, AT_MS + 600_000), "");
  assert.equal(addressToRestore(null, AT_MS), "");
});
