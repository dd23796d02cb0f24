import assert from "node:assert/strict";
import { test } from "node:test";
import { parametersOfWall, resized, wallOf, wallShowing, withCamera, withTile } from "./wall.ts";

test("a wall and its address convert into each other", () => {
  const wall = { size: 4 as const, cameras: ["gate", "", "school", ""] };
  assert.deepEqual(wallOf(parametersOfWall(wall)), wall);
  assert.deepEqual(wallOf(new URLSearchParams()), { size: 1, cameras: [""] });
  assert.deepEqual(wallOf(new URLSearchParams("size=5&cameras=a,b")).size, 4);
});

test("a camera takes the first free tile, or else the last, and is there once", () => {
  const wall = wallOf(new URLSearchParams("size=4&cameras=a,,c"));
  assert.deepEqual(withCamera(wall, "b").cameras, ["a", "b", "c", ""]);
  const full = wallOf(new URLSearchParams("size=4&cameras=a,b,c,d"));
  assert.deepEqual(withCamera(full, "e").cameras, ["a", "b", "c", "e"]);
  assert.equal(withCamera(full, "a"), full);
  assert.deepEqual(withTile(full, 1, "").cameras, ["a", "", "c", "d"]);
});

test("another size keeps the cameras in order", () => {
  const wall = wallOf(new URLSearchParams("size=4&cameras=a,,c,d"));
  assert.deepEqual(resized(wall, 1).cameras, ["a"]);
  assert.equal(resized(wall, 25).cameras.length, 25);
  assert.equal(wallOf(new URLSearchParams(`cameras=${"abcdefghijklmnopqrs".split("")}`)).size, 25);
  assert.deepEqual(resized(wall, 9).cameras.slice(0, 4), ["a", "c", "d", ""]);
});

test("a wall for some cameras has the smallest size for them", () => {
  assert.deepEqual(wallShowing(["a", "b", "c"]), { size: 4, cameras: ["a", "b", "c", ""] });
  assert.equal(wallShowing(["a"]).size, 1);
});
