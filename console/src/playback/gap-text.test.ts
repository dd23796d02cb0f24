import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../texts/en.ts";
import { zh } from "../texts/zh.ts";
import { gapText } from "./gap-text.ts";

test("a picture says that nothing was recorded, and why", () => {
  assert.equal(gapText("unknown", en), "Nothing was recorded at this time: cause unknown");
  assert.equal(gapText("network", zh), "此时刻没有录像：网络故障");
  assert.equal(gapText("deleted", en), "recorded and deleted");
});
