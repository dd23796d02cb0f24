import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "./projection.ts";
import { addressOfTile, TileCache, tileSource, tilesOf } from "./tiles.ts";

const SIZE = { width: 800, height: 600 };
const PLACE = viewOf([{ lon: 111.513, lat: 32.54 }], SIZE, 40);
const ANY_ZOOM = tileSource("/{z}/{x}/{y}", null);
const PICTURE = {} as CanvasImageSource;
/** The middle of the tile 12/3316/1656, of which a view at zoom 15 shows a part. */
const WITHIN_A_TILE = {
  centre: { x: 3316.5 / 2 ** 12, y: 1656.5 / 2 ** 12 },
  scale: 256 * 2 ** 15,
};

test("a view needs the tiles that cover it, at their own size or nearly", () => {
  const tiles = tilesOf(PLACE, SIZE, ANY_ZOOM);
  assert.deepEqual(new Set(tiles.map((tile) => tile.zoom)), new Set([15]));
  assert.ok(tiles.length >= 12 && tiles.length <= 20, `${tiles.length} tiles`);
  // The tile of the place itself, by the usual formula for slippy maps.
  assert.ok(tiles.some((tile) => tile.column === 26534 && tile.row === 13248));
});

test("the world has no tiles beyond its edges", () => {
  const tiles = tilesOf({ centre: { x: 0, y: 0 }, scale: 256 }, SIZE, ANY_ZOOM);
  assert.deepEqual(tiles, [{ zoom: 0, column: 0, row: 0 }]);
});

test("a template gives the address of a tile", () => {
  const address = addressOfTile("/tiles/{z}/{x}/{y}.png", { zoom: 7, column: 103, row: 51 });
  assert.equal(address, "/tiles/7/103/51.png");
});

test("behind the last zoom of a map its tiles are enlarged, and before the first are none", () => {
  const enlarged = tilesOf(WITHIN_A_TILE, SIZE, tileSource("/{z}/{x}/{y}", [3, 12]));
  assert.deepEqual(enlarged, [{ zoom: 12, column: 3316, row: 1656 }]);
  assert.deepEqual(tilesOf(PLACE, SIZE, tileSource("/{z}/{x}/{y}", [16, 19])), []);
});

test("each tile is requested once, is placed when it has arrived, and may have no picture", async () => {
  const requested: string[] = [];
  const fetchTile = async (address: string) => {
    requested.push(address);
    return address.endsWith("/1656") ? PICTURE : null;
  };
  let changes = 0;
  const cache = new TileCache(tileSource("/{z}/{x}/{y}", [0, 12]), fetchTile, () => {
    changes += 1;
  });
  assert.deepEqual(cache.placed(WITHIN_A_TILE, SIZE), []);
  await Promise.resolve();
  await Promise.resolve();
  const [tile] = cache.placed(WITHIN_A_TILE, SIZE);
  assert.equal(tile?.image, PICTURE);
  assert.equal(tile?.sidePx, WITHIN_A_TILE.scale / 2 ** 12);
  assert.deepEqual(requested, ["/12/3316/1656"]);
  assert.deepEqual([changes, cache.hasFailed], [1, false]);
});

test("a failure is reported once, and none after the end", async () => {
  const ended = new TileCache(
    ANY_ZOOM,
    () => Promise.reject(new Error("no server")),
    () => assert.fail("a map that has ended was changed"),
  );
  ended.placed(WITHIN_A_TILE, SIZE);
  ended.end();
  let changes = 0;
  const failing = new TileCache(
    tileSource("/{z}/{x}/{y}", [0, 12]),
    () => Promise.reject(new Error("no server")),
    () => {
      changes += 1;
    },
  );
  failing.placed(WITHIN_A_TILE, SIZE);
  await Promise.resolve();
  await Promise.resolve();
  assert.deepEqual([changes, failing.hasFailed, ended.hasFailed], [1, true, false]);
});

test("a tile that failed is requested again after some seconds", async (context) => {
  context.mock.timers.enable({ apis: ["Date"], now: 1_000_000 });
  let requests = 0;
  const cache = new TileCache(
    tileSource("/{z}/{x}/{y}", [0, 12]),
    () => {
      requests += 1;
      return Promise.reject(new Error("too many requests"));
    },
    () => undefined,
  );
  for (const [elapsedMs, expected] of [
    [0, 1],
    [4_000, 1],
    [2_000, 2],
  ] as const) {
    context.mock.timers.tick(elapsedMs);
    cache.placed(WITHIN_A_TILE, SIZE);
    assert.equal(requests, expected);
    await Promise.resolve();
    await Promise.resolve();
  }
});

test("a large view keeps all of its tiles while they arrive", () => {
  const ended: string[] = [];
  const cache = new TileCache(
    ANY_ZOOM,
    (address, signal) => {
      signal.addEventListener("abort", () => ended.push(address));
      return new Promise(() => undefined);
    },
    () => undefined,
  );
  const large = { width: 7680, height: 4320 };
  assert.ok(tilesOf(WITHIN_A_TILE, large, ANY_ZOOM).length > 300);
  cache.placed(WITHIN_A_TILE, large);
  cache.placed(WITHIN_A_TILE, large);
  assert.deepEqual(ended, []);
});
