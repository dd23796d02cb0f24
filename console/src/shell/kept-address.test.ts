import assert from "node:assert/strict";
import { test } from "node:test";
import { addressToRestore, keepAddress } from "./kept-address.ts";

const AT_MS = Date.parse("2026-11-30T01:30:00Z");
const kept = JSON.stringify({ address: "#/find?plate=*8888", atMs: AT_MS });

test("an address is used until the sign-in at the provider would be too old", () => {
  assert.equal(addressToRestore(kept, AT_MS + 599_000), "#/find?plate=*8888");
  assert.equal(addressToRestore(kept, AT_MS + 600_000), "");
  assert.equal(addressToRestore(null, AT_MS), "");
});

test("what is no kept address of this version is absent", () => {
  for (const other of ["#/find?plate=*8888", "", "null", "5", '{"address":5,"atMs":5}', "{}"]) {
    assert.equal(addressToRestore(other, AT_MS), "", other);
  }
});

test("a sign-in from an address without a fragment forgets an older address", () => {
  const stored = new Map([["sightline.address", kept]]);
  const globals = {
    location: { hash: "" },
    sessionStorage: { removeItem: (name: string) => stored.delete(name) },
  };
  Object.assign(globalThis, globals);
  keepAddress();
  for (const name of Object.keys(globals)) Reflect.deleteProperty(globalThis, name);
  assert.equal(stored.size, 0);
});
