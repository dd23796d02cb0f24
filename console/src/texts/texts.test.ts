import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "./en.ts";
import { zh } from "./zh.ts";

/** Return the texts by their names, such as `find.search`; functions are called with numbers. */
function flat(texts: object, path = ""): Map<string, string> {
  const found = new Map<string, string>();
  for (const [name, value] of Object.entries(texts)) {
    const at = path ? `${path}.${name}` : name;
    if (typeof value === "string") found.set(at, value);
    else if (typeof value === "function") found.set(at, String(value(3, "4", "5")));
    else for (const [inner, text] of flat(value, at)) found.set(inner, text);
  }
  return found;
}

const LANGUAGES = { en, zh };

test("both languages have the same texts", () => {
  assert.deepEqual([...flat(LANGUAGES.zh).keys()], [...flat(LANGUAGES.en).keys()]);
});

test("no text is empty", () => {
  for (const [language, texts] of Object.entries(LANGUAGES)) {
    for (const [name, text] of flat(texts)) assert.notEqual(text.trim(), "", `${language} ${name}`);
  }
});

test("each text is in its language", () => {
  const same = new Set([
    "product",
    "help.keys.0.0",
    "help.keys.1.0",
    "help.keys.2.0",
    "help.keys.3.0",
  ]);
  const examples = new Set(["find.platePlaceholder", "find.plateHint"]);
  for (const [name, text] of flat(LANGUAGES.en)) {
    const isChinese = /[\u4e00-\u9fff]/.test(text);
    assert.equal(isChinese && !examples.has(name), false, `${name} is Chinese: ${text}`);
  }
  const english = flat(LANGUAGES.en);
  for (const [name, text] of flat(LANGUAGES.zh)) {
    const isTranslated = /[\u3000-\u9fff，：]/.test(text) || text.length < 6 || same.has(name);
    assert.equal(isTranslated, true, `${name} is not translated: ${text}`);
    if (text.length > 6 && !same.has(name)) assert.notEqual(text, english.get(name), name);
  }
});
