import assert from "node:assert/strict";
import { test } from "node:test";
import { type HoldOfRange, holdsInForce, isKept } from "./holds.ts";

const at = (minute: number) => Date.UTC(2026, 10, 24, 3, minute);
const RANGE = { fromMs: at(10), toMs: at(20) };
const NOW = at(59);

function hold(id: string, from: number, to: number, changes: Partial<HoldOfRange> = {}) {
  const span = { from: new Date(at(from)).toISOString(), to: new Date(at(to)).toISOString() };
  return { id, camera: "gate", until: null, released_at: null, ...span, ...changes };
}

function found(listed: HoldOfRange[], placed: HoldOfRange[] = []): string[] {
  return holdsInForce(listed, placed, ["gate", "school"], RANGE, NOW).map(({ id }) => id);
}

test("holds that protect a part of the range are found in order", () => {
  const holds = [
    hold("inside", 12, 13),
    hold("around", 5, 30),
    hold("before", 5, 10),
    hold("behind", 20, 25),
    hold("elsewhere", 12, 13, { camera: "bridge" }),
    hold("unreadable", 12, 13, { camera: null }),
  ];
  assert.deepEqual(found(holds), ["around", "inside"]);
});

test("holds that were released or have ended are left out", () => {
  const moment = new Date(at(30)).toISOString();
  const later = new Date(at(90)).toISOString();
  const holds = [
    hold("released", 10, 20, { released_at: moment }),
    hold("ended", 10, 20, { until: moment }),
    hold("ends", 10, 20, { until: later }),
  ];
  assert.deepEqual(found(holds), ["ends"]);
});

test("a hold that was just placed counts until the list has it, also as a released one", () => {
  const placed = hold("new", 10, 20);
  assert.deepEqual(found([], [placed]), ["new"]);
  assert.deepEqual(found([placed], [placed]), ["new"]);
  const released = hold("new", 10, 20, { released_at: new Date(at(40)).toISOString() });
  assert.deepEqual(found([released], [placed]), []);
});

test("a camera is kept if one hold protects the whole range until it is released", () => {
  const later = new Date(at(90)).toISOString();
  assert.equal(isKept([hold("ends", 5, 30, { until: later })], "gate", RANGE), false);
  assert.equal(isKept([hold("around", 5, 30)], "gate", RANGE), true);
  assert.equal(isKept([hold("exact", 10, 20)], "gate", RANGE), true);
  assert.equal(isKept([hold("part", 10, 19)], "gate", RANGE), false);
  assert.equal(isKept([hold("around", 5, 30)], "school", RANGE), false);
});
