import assert from "node:assert/strict";
import { test } from "node:test";
import { addressOf, placesFor, routeOf } from "./route.ts";

test("a route and its address convert into each other", () => {
  const parameters = new URLSearchParams({ plate: "鄂C?2*", area: "a/b" });
  const route = routeOf(addressOf("cameras", parameters));
  assert.equal(route.place, "cameras");
  assert.equal(route.parameters.toString(), parameters.toString());
});

test("a wildcard that was typed into the address belongs to the plate", () => {
  const { parameters } = routeOf("#/find?plate=鄂F8?8?&kind=vehicle");
  assert.equal(parameters.get("plate"), "鄂F8?8?");
  assert.equal(parameters.get("kind"), "vehicle");
});

test("an address without a known place is the first one", () => {
  assert.equal(routeOf("").place, "find");
  assert.equal(routeOf("#/nothing?plate=1").place, "find");
  assert.equal(addressOf("find"), "#/find");
});

test("the pages are those that the rights of the person open", () => {
  assert.deepEqual(placesFor(["audit_read"]), ["audit", "approvals"]);
  assert.deepEqual(placesFor(["events_read", "live_view"]), [
    "find",
    "journeys",
    "live",
    "approvals",
  ]);
  assert.equal(routeOf("", "audit").place, "audit");
  assert.equal(routeOf("#/find", "audit").place, "find");
});
