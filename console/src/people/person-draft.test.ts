import assert from "node:assert/strict";
import { test } from "node:test";
import type { Schemas } from "../api/client.ts";
import { bodyOf, draftOf, NEW_PERSON, RIGHTS, toggled } from "./person-draft.ts";

const PERSON = {
  name: "li.wei",
  role: "investigator",
  grants: ["audit_read"],
  scope: { areas: ["danjiangkou"], classes: ["A"], cameras: ["gate", "school"] },
} as unknown as Schemas["PersonView"];

test("a person who is not changed gives the same role, rights and scope again", () => {
  const { role, grants, scope } = PERSON;
  assert.deepEqual(bodyOf(draftOf(PERSON)), { role, grants, scope });
});

test("a scope without any limit is every camera", () => {
  assert.equal(bodyOf(NEW_PERSON).scope, null);
  const spaces = { ...NEW_PERSON, cameras: " , " };
  assert.equal(bodyOf(spaces).scope, null);
});

test("ids of cameras may be divided by commas, Chinese commas and spaces", () => {
  const draft = { ...NEW_PERSON, cameras: "gate，school bridge、 station" };
  assert.deepEqual(bodyOf(draft).scope?.cameras, ["gate", "school", "bridge", "station"]);
});

test("a choice is made and taken back", () => {
  assert.deepEqual(toggled(["A"], "B"), ["A", "B"]);
  assert.deepEqual(toggled(["A", "B"], "A"), ["B"]);
});

test("each right is offered once", () => {
  assert.equal(new Set(RIGHTS).size, 16);
});
