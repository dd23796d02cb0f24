import assert from "node:assert/strict";
import { test } from "node:test";
import {
  dotted,
  hasWildcard,
  isWorthSuggesting,
  PROVINCES,
  suggestedPlates,
  withProvince,
} from "./plate.ts";

test("every province has one entry", () => {
  assert.equal(new Set(PROVINCES.map(([character]) => character)).size, 31);
});

test("an initial before the letter of the city means each province with it", () => {
  assert.deepEqual(suggestedPlates("ec12345"), ["鄂C12345"]);
  assert.deepEqual(suggestedPlates("YA1?"), ["豫A1?", "粤A1?", "渝A1?", "云A1?"]);
  assert.deepEqual(suggestedPlates("鄂C12345"), []);
  assert.deepEqual(suggestedPlates("C12345"), [], "a digit follows, so C is the city");
  assert.deepEqual(suggestedPlates("VA12345"), []);
});

test("a province replaces another one and precedes all else", () => {
  assert.equal(withProvince("鄂C1", "粤"), "粤C1");
  assert.equal(withProvince("C1", "粤"), "粤C1");
  assert.equal(withProvince("", "粤"), "粤");
});

test("plates have a dot after the letter of the city", () => {
  assert.equal(dotted("鄂C12345"), "鄂C·12345");
  assert.equal(dotted("鄂"), "鄂");
});

test("full-width wildcards count", () => {
  assert.equal(hasWildcard("鄂C？"), true);
  assert.equal(hasWildcard("鄂C12345"), false);
});

test("seen plates are suggested for a part of a plate with three known characters", () => {
  for (const text of ["鄂C1", " 鄂C·12", "鄂?12*K"])
    assert.equal(isWorthSuggesting(text), true, text);
  for (const text of ["鄂C", "EC123", "鄂C12345", "鄂C1!", "", "*12*"]) {
    assert.equal(isWorthSuggesting(text), false, text);
  }
});
