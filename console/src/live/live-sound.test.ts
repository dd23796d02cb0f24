// docs/examples/live-sound.js is made from the sources of the console:
//     SIGHTLINE_WRITE_EXAMPLES=1 npm test
import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { test } from "node:test";
import { Script } from "node:vm";

const EXAMPLE = new URL("../../../docs/examples/live-sound.js", import.meta.url);
const HEAD = `// Plays the sound of a camera for live-player.js, which must be loaded together with this file.
// It is made from console/src/live/sound-sync.ts and sound-player.ts; change those.

`;

/** Return the JavaScript of a source, without what a page that has no modules cannot read. */
function script(name: string): string {
  const source = readFileSync(new URL(name, import.meta.url), "utf-8");
  return stripTypeScriptTypes(source.replaceAll(/^\/\*\* .* \*\/\n(?=export interface)/gm, ""))
    .replaceAll(/^import .*;\n/gm, "")
    .replaceAll(/^export /gm, "");
}

test("the example plays sound as the console does", () => {
  const joined = HEAD + script("sound-sync.ts") + script("sound-player.ts");
  const options = { input: joined, encoding: "utf-8" } as const;
  const biome = ["biome", "format", "--stdin-file-path=live-sound.js"];
  const made = spawnSync("npx", biome, options);
  assert.equal(made.status, 0, made.stderr);
  if (process.env["SIGHTLINE_WRITE_EXAMPLES"]) writeFileSync(EXAMPLE, made.stdout);
  assert.equal(readFileSync(EXAMPLE, "utf-8"), made.stdout);
});

test("a page can load all examples, which share their names", () => {
  const names = ["live-sound.js", "live-player.js", "whep-player.js"];
  const texts = names.map((name) => readFileSync(new URL(name, EXAMPLE), "utf-8"));
  assert.ok(new Script(texts.join("\n")));
});
