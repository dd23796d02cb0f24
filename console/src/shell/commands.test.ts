import assert from "node:assert/strict";
import { test } from "node:test";
import { en } from "../texts/en.ts";
import { commandsFor } from "./commands.ts";
import { PLACES } from "./route.ts";

const CAMERAS = Array.from({ length: 20 }, (_, number) => ({
  id: `gate-${number}`,
  name: `Gate ${number}`,
}));

test("without a text there are all places", () => {
  const addresses = commandsFor(" ", en, CAMERAS).map((one) => one.address);
  assert.deepEqual(
    addresses,
    PLACES.map((place) => `#/${place}`),
  );
});

test("a whole plate is found, followed and watched for; a pattern is found", () => {
  const whole = commandsFor("鄂c12345", en, CAMERAS).map((one) => decodeURIComponent(one.address));
  assert.deepEqual(whole, [
    "#/find?plate=鄂C12345",
    "#/journeys?plate=鄂C12345",
    "#/watches?plate=鄂C12345",
  ]);
  const pattern = commandsFor("鄂C?2*", en, CAMERAS).map((one) => decodeURIComponent(one.address));
  assert.deepEqual(pattern, ["#/find?plate=鄂C?2*"]);
});

test("names of places and of cameras are found by a part of them", () => {
  assert.equal(commandsFor("jour", en, CAMERAS)[0]?.address, "#/journeys");
  const cameras = commandsFor("gate", en, CAMERAS);
  assert.equal(cameras.length, 8, "a long list is cut");
  assert.equal(cameras[0]?.address, "#/live?size=1&cameras=gate-0");
  assert.deepEqual(commandsFor("nothing like this", en, CAMERAS), []);
});
