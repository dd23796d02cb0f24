import assert from "node:assert/strict";
import { test } from "node:test";
import { asSentence } from "./sentence.ts";

test("a detail of the API becomes a sentence", () => {
  const english = "no node is connected to this camera, so there is no video";
  assert.equal(asSentence(english), "No node is connected to this camera, so there is no video.");
  assert.equal(asSentence("没有节点连接此摄像机"), "没有节点连接此摄像机。");
  assert.equal(asSentence("It is one already."), "It is one already.");
  assert.equal(asSentence(" "), "");
});

test("an id at the beginning stays as it is", () => {
  assert.equal(asSentence("east-gate has privacy masks"), "east-gate has privacy masks.");
});
