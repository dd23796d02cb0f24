import assert from "node:assert/strict";
import { test } from "node:test";
import {
  camerasBySeverity,
  diskPart,
  lastWholeMinute,
  type NodeView,
  nodesOffline,
  notRecorded,
} from "./city-figures.ts";

const GB = 1e9;

function node(disk: Partial<NonNullable<NonNullable<NodeView["report"]>["disk"]>>): NodeView {
  return {
    id: "node-1",
    state: "online",
    seen_at: "2025-11-24T00:00:00Z",
    offline_since: null,
    report: {
      version: "1",
      workers: { configured: 2, running: 2 },
      cameras: {},
      shed: { analytics: 5, recording: 2, recording_for_disk: 1 },
      load: { processor: 0.5, disk: 0.25 },
      disk: {
        recordings_bytes: 40 * GB,
        other_bytes: 10 * GB,
        limit_bytes: 100 * GB,
        free_bytes: 500 * GB,
        reserve_bytes: 10 * GB,
        ...disk,
      },
      upload_waits_since: null,
      spool_events: 0,
      clock_offset_ms: 0,
      schema: 1,
    },
  };
}

test("cameras are counted once, by the areas at the top", () => {
  const area = (id: string, parent: string | null, states: Record<string, number>) => ({
    ...{ id, name: id, parent, cameras: 3, states },
  });
  const states = { live: 2, clock_wrong: 1, unknown: 4, unreachable: 3, wrong_password: 1 };
  const counts = camerasBySeverity([area("a", null, states), area("a/b", "a", { live: 2 })]);
  assert.deepEqual(counts, { live: 2, warned: 1, idle: 4, bad: 4 });
});

test("only cameras that lose their recording count as not recorded", () => {
  assert.equal(notRecorded([node({}), node({})]), 6);
  assert.equal(nodesOffline([node({}), { ...node({}), state: "offline" }]), 1);
});

test("a disk is as full as its limit or its free space says", () => {
  assert.equal(diskPart(node({})), 0.5);
  assert.equal(diskPart(node({ free_bytes: 10 * GB })), 1);
  assert.equal(diskPart(node({ free_bytes: 60 * GB })), 0.5);
  assert.equal(diskPart({ ...node({}), report: null }), null);
});

test("the minute that is still counted is left out", () => {
  assert.equal(lastWholeMinute([4, 7, 1]), 7);
  assert.equal(lastWholeMinute([]), 0);
});
