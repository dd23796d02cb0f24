import assert from "node:assert/strict";
import { test } from "node:test";
import { sentenceOf, setMessageZone } from "./message.ts";

test("the parts are filled in, and times are in the zone of the site", () => {
  setMessageZone("Asia/Shanghai");
  const message = {
    template: "{camera} 在 {at} 没有录像，{count} 个缺口",
    parts: { camera: "gate", at: { at: "2026-11-24T13:55:04.123Z" }, count: 2 },
  };
  assert.equal(sentenceOf(message, ""), "gate 在 2026-11-24 21:55:04 没有录像，2 个缺口");
});

test("a message within a message is filled in", () => {
  const cause = { template: "nothing of {camera} is recorded", parts: { camera: "gate" } };
  const message = { template: "the export failed: {why}", parts: { why: cause } };
  assert.equal(sentenceOf(message, ""), "the export failed: nothing of gate is recorded");
});

test("a part is data, and a name without a part stays", () => {
  const message = { template: "{name} has {count}", parts: { name: "<b>{count}</b> {name}" } };
  assert.equal(sentenceOf(message, ""), "<b>{count}</b> {name} has {count}");
});

test("a part that this version does not know is left out", () => {
  const message = {
    template: "{length} of {camera}",
    parts: { length: { metres: 3 }, camera: "g" },
  };
  assert.equal(sentenceOf(message, ""), " of g");
});

test("without a message the detail is shown", () => {
  for (const none of [undefined, null, "text", {}, { template: "x" }, { template: 1, parts: {} }]) {
    assert.equal(sentenceOf(none, "the disk is full"), "the disk is full");
  }
});
