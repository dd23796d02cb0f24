import assert from "node:assert/strict";
import { test } from "node:test";
import {
  addressedWall,
  isSameWall,
  listedWith,
  newestView,
  parametersOfView,
  wallOfView,
} from "./saved-view.ts";

const GATES = { tiles: 4, cameras: ["gate", "", "school"] };

test("an address with a view alone shows the tiles of the view", () => {
  const address = parametersOfView("20261124-5f1c0a52", null);
  assert.equal(`${address}`, "view=20261124-5f1c0a52");
  assert.deepEqual(addressedWall(address), { viewId: "20261124-5f1c0a52", wall: null });
  assert.deepEqual(wallOfView(GATES), { size: 4, cameras: ["gate", "", "school", ""] });
});

test("changed tiles are in the address next to the view that they were changed from", () => {
  const wall = { size: 1 as const, cameras: ["school"] };
  const address = parametersOfView("20261124-5f1c0a52", wall);
  assert.deepEqual(addressedWall(address), { viewId: "20261124-5f1c0a52", wall });
});

test("an address without a view has tiles of its own, or one empty tile", () => {
  const wall = { size: 4 as const, cameras: ["gate", "", "", ""] };
  assert.deepEqual(addressedWall(parametersOfView("", wall)), { viewId: "", wall });
  assert.deepEqual(addressedWall(new URLSearchParams()).wall, { size: 1, cameras: [""] });
});

test("empty tiles at the end make no difference, and a number of tiles does", () => {
  const wall = wallOfView(GATES);
  assert.equal(isSameWall(wall, wallOfView({ tiles: 4, cameras: [...GATES.cameras, ""] })), true);
  assert.equal(isSameWall(wall, wallOfView({ ...GATES, tiles: 9 })), false);
  assert.equal(isSameWall(wall, wallOfView({ tiles: 4, cameras: ["gate", "school"] })), false);
});

test("a number of tiles that this console does not know becomes the next larger one", () => {
  assert.equal(wallOfView({ tiles: 6, cameras: ["gate"] }).size, 9);
  assert.equal(wallOfView({ tiles: 36, cameras: ["gate"] }).size, 25);
});

test("a view that was just saved counts until the list has it or a newer version", () => {
  const listed = [{ id: "a", version: 2 }];
  assert.equal(newestView(listed, null, "a"), listed[0]);
  assert.equal(newestView(listed, { id: "a", version: 1 }, "a"), listed[0]);
  assert.deepEqual(newestView(listed, { id: "a", version: 3 }, "a"), { id: "a", version: 3 });
  assert.deepEqual(newestView(listed, { id: "b", version: 1 }, "b"), { id: "b", version: 1 });
  assert.equal(newestView(listed, { id: "b", version: 1 }, "c"), undefined);
});

test("the list to choose from has the chosen view as it is now", () => {
  const listed = [
    { id: "a", version: 2 },
    { id: "b", version: 1 },
  ];
  assert.deepEqual(listedWith(listed, undefined), listed);
  assert.deepEqual(listedWith(listed, { id: "b", version: 2 }), [
    { id: "a", version: 2 },
    { id: "b", version: 2 },
  ]);
  assert.deepEqual(listedWith(listed, { id: "c", version: 1 })[0], { id: "c", version: 1 });
});
