import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../texts/en.ts";
import { scopeText } from "./scope-text.ts";

const NAMES = new Map([["danjiangkou", "Danjiangkou"]]);

test("a person without limits may see all cameras", () => {
  assert.equal(scopeText({ areas: [], classes: [], cameras: [] }, NAMES, en), "all cameras");
});

test("areas have their names, and an area that the registry lacks its id", () => {
  const scope = { areas: ["danjiangkou", "gone"], classes: ["A"], cameras: ["gate"] };
  assert.equal(scopeText(scope, NAMES, en), "areas Danjiangkou, gone, classes A, in addition gate");
});
