import assert from "node:assert/strict";
import { test } from "node:test";
import type { Colors } from "./colors.ts";
import { drawMap } from "./draw-map.ts";
import { EMPTY_CONTENT } from "./map-content.ts";
import { worldOf } from "./projection.ts";

const TONES = { quiet: "", good: "", warned: "", bad: "", accent: "" };
const COLORS = { ground: "", ink: "", quiet: "", onAccent: "", tones: TONES } as Colors;

/** Node.js has no canvas, so the calls of one are noted in their order. */
function recorder(): { to: CanvasRenderingContext2D; calls: string[] } {
  const calls: string[] = [];
  const note =
    (name: string) =>
    (...given: unknown[]) => {
      calls.push(name === "fillText" ? `text ${given[0]}` : name);
      return { width: 10, a: 1 };
    };
  const to = new Proxy({}, { get: (_, name) => note(String(name)), set: () => true });
  return { to: to as CanvasRenderingContext2D, calls };
}

test("no line of a journey is drawn over the speed of another leg", () => {
  const { to, calls } = recorder();
  const [west, middle, east] = [111.4, 111.5, 111.6].map((lon) => ({ lon, lat: 32.5 }));
  assert.ok(west && middle && east);
  const legs = [
    { from: west, to: middle, isImpossible: false, text: "40 km/h" },
    { from: middle, to: east, isImpossible: true, text: "900 km/h" },
  ];
  drawMap(to, {
    content: { ...EMPTY_CONTENT, legs },
    view: { centre: worldOf(middle), scale: 256 * 2 ** 12 },
    size: { width: 800, height: 600 },
    colors: COLORS,
    tiles: [],
    names: [],
    highlighted: null,
  });
  const lastLine = calls.lastIndexOf("lineTo");
  assert.ok(lastLine > 0);
  assert.deepEqual(
    calls.slice(lastLine).filter((call) => call.startsWith("text")),
    ["text 40 km/h", "text 900 km/h"],
  );
});
