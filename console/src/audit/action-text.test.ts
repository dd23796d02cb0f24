import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../texts/en.ts";
import { zh } from "../texts/zh.ts";
import {
  callText,
  countText,
  outcomesOf,
  outcomeText,
  subjectText,
  termsInWords,
} from "./action-text.ts";

const WORDING = {
  texts: zh,
  cameraName: (id: string) => (id === "gate" ? "东口" : id),
  inSiteTime: (sentence: string) => sentence.replace("T16:00:00.000Z", " 00:00"),
};
const LINE = {
  at: "2026-11-30T00:00:00.000Z",
  person: "li.wei",
  address: "10.0.0.7",
  route: "events.search",
  terms: {},
  reason: "",
  case: "",
  status: 200 as number | null,
};

test("a call is named in both languages, and an unknown one by its term", () => {
  assert.equal(callText("events.search", en), "Search for passings");
  assert.equal(callText("events.search", zh), "查找过车记录");
  assert.equal(callText("future.call", zh), "future.call");
});

test("terms are said in words, with the names of cameras and the time of the site", () => {
  const terms = {
    plate: "鄂C*",
    camera: "gate",
    color: "blue",
    limit: "50",
    from: "2026-11-29T16:00:00.000Z",
    to: "2026-11-30T16:00:00.000Z",
    odd: "x",
  };
  const line = { ...LINE, terms };
  assert.equal(
    subjectText(line, WORDING),
    "车牌：鄂C*，摄像机：东口，颜色：蓝色，odd：x，2026-11-29 00:00 – 2026-11-30 00:00",
  );
  assert.deepEqual(termsInWords(line, WORDING)[3], ["最多条数", "50"]);
  const live = { route: "camera.live", terms: { id: "gate" } };
  assert.equal(subjectText(live, WORDING), "摄像机：东口");
});

test("the outcome of a change is that of its second line", () => {
  const lines = [
    { ...LINE, id: "3", request: "b", status: 503 },
    { ...LINE, id: "2", request: "a", status: 201 },
    { ...LINE, id: "1", request: "a", status: null },
  ];
  assert.deepEqual(
    [...outcomesOf(lines)],
    [
      ["failed", 1],
      ["done", 1],
    ],
  );
  const [line = { ...LINE, id: "", request: "" }] = lines;
  assert.equal(outcomeText({ line, lines, times: 2, tries: 0 }, en), "1 failed, 1 done");
  assert.equal(outcomeText({ line, lines: lines.slice(1), times: 1, tries: 0 }, en), "done");
});

test("a choice that was not made is left out, and one that was made has its name", () => {
  const line = { ...LINE, terms: { ended: "false", fuzzy: "true", plate: "鄂C12345" } };
  const english = { ...WORDING, texts: en };
  assert.equal(subjectText(line, english), "Also misreadings, Plate: 鄂C12345");
  assert.deepEqual(termsInWords(line, english)[0], ["Ended", "no"]);
});

test("once needs no number, and tries are told apart", () => {
  const action = { line: { ...LINE, id: "1", request: "" }, lines: [] };
  assert.equal(countText({ ...action, times: 1, tries: 0 }, en), "");
  assert.equal(countText({ ...action, times: 1, tries: 8 }, en), "and 8 tries");
  assert.equal(countText({ ...action, times: 2, tries: 1 }, zh), "2 次，另有 1 次重试");
});
