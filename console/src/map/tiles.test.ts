import assert from "node:assert/strict";
import { test } from "node:test";
import { viewOf } from "./projection.ts";
import {
  addressOfTile,
  TileCache,
  type TileId,
  type TilePicture,
  tileSource,
  tilesOf,
} from "./tiles.ts";

const SIZE = { width: 800, height: 600 };
const PLACE = viewOf([{ lon: 111.513, lat: 32.54 }], SIZE, 40);
const ANY_ZOOM = tileSource("/{z}/{x}/{y}", null);
const PICTURE: TilePicture = { image: {} as CanvasImageSource, names: [] };
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
  assert.deepEqual(tiles, [{ zoom: 0, column: 0, row: 0, sidePx: 256 }]);
});

test("a template gives the address of a tile", () => {
  const address = addressOfTile("/tiles/{z}/{x}/{y}.png", { zoom: 7, column: 103, row: 51 });
  assert.equal(address, "/tiles/7/103/51.png");
});

test("behind the last zoom of a map its tiles are enlarged, and before the first are none", () => {
  const enlarged = tilesOf(WITHIN_A_TILE, SIZE, tileSource("/{z}/{x}/{y}", [3, 12]));
  assert.deepEqual(enlarged, [{ zoom: 12, column: 3316, row: 1656, sidePx: 256 }]);
  assert.deepEqual(tilesOf(PLACE, SIZE, tileSource("/{z}/{x}/{y}", [16, 19])), []);
});

test("each tile is requested once, is placed when it has arrived, and may have no picture", async () => {
  const requested: string[] = [];
  const fetchTile = async (tile: TileId) => {
    requested.push(addressOfTile("/{z}/{x}/{y}", tile));
    return tile.row === 1656 ? PICTURE : null;
  };
  let changes = 0;
  const cache = new TileCache(tileSource("/{z}/{x}/{y}", [0, 12]), fetchTile, () => {
    changes += 1;
  });
  assert.deepEqual(cache.placed(WITHIN_A_TILE, SIZE), []);
  await Promise.resolve();
  await Promise.resolve();
  const [tile] = cache.placed(WITHIN_A_TILE, SIZE);
  assert.equal(tile?.image, PICTURE.image);
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
    (tile, signal) => {
      signal.addEventListener("abort", () => ended.push(addressOfTile("/{z}/{x}/{y}", tile)));
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

test("what was shown before stays below until the tiles of another zoom have arrived", async () => {
  const arrivals: (() => void)[] = [];
  const cache = new TileCache(
    tileSource("/{z}/{x}/{y}", [12, 14]),
    ({ zoom }) =>
      new Promise((resolve) => {
        const picture = { image: { zoom } as unknown as CanvasImageSource, names: [] };
        arrivals.push(() => resolve(picture));
      }),
    () => undefined,
  );
  const arrive = async () => {
    for (const resolve of arrivals.splice(0)) resolve();
    await Promise.resolve();
    await Promise.resolve();
  };
  const far = { ...WITHIN_A_TILE, scale: 256 * 2 ** 12 };
  const near = { ...WITHIN_A_TILE, scale: 256 * 2 ** 14 };
  const zooms = (view: typeof far) =>
    new Set(cache.placed(view, SIZE).map(({ image }) => Reflect.get(image, "zoom")));
  assert.deepEqual(zooms(far), new Set());
  await arrive();
  assert.deepEqual(zooms(far), new Set([12]));
  assert.deepEqual(zooms(near), new Set([12]), "enlarged");
  await arrive();
  assert.deepEqual(zooms(near), new Set([14]), "complete");
});

test("vector tiles are twice as large, and are drawn behind their last zoom too", () => {
  const source = tileSource("/{z}/{x}/{y}", [0, 12], "protomaps");
  const tiles = tilesOf(WITHIN_A_TILE, SIZE, source);
  assert.deepEqual(new Set(tiles.map(({ zoom }) => zoom)), new Set([14]));
  assert.ok(tiles.length <= 6, `${tiles.length} tiles`);
  assert.equal(source.dataZoom, 12);
});

test("pictures of vector tiles are drawn nearly in the size in which they are shown", () => {
  for (let zoom = 3; zoom < 20; zoom += 0.13) {
    const view = { ...WITHIN_A_TILE, scale: 256 * 2 ** zoom };
    const [tile] = tilesOf(view, SIZE, tileSource("/{z}/{x}/{y}", [0, 12], "protomaps"));
    const shownPx = view.scale / 2 ** (tile?.zoom ?? 0);
    const enlarged = shownPx / (tile?.sidePx ?? 0);
    assert.ok(enlarged > 0.91 && enlarged < 1.1, `${enlarged} at zoom ${zoom}`);
  }
});

test("requests of a view that was left before they were answered are ended", () => {
  const ended: number[] = [];
  const cache = new TileCache(
    tileSource("/{z}/{x}/{y}", [0, 14]),
    ({ zoom }, signal) => {
      signal.addEventListener("abort", () => ended.push(zoom));
      return new Promise(() => undefined);
    },
    () => undefined,
  );
  cache.placed({ ...WITHIN_A_TILE, scale: 256 * 2 ** 12 }, SIZE);
  assert.deepEqual(ended, []);
  cache.placed(WITHIN_A_TILE, SIZE);
  assert.deepEqual(new Set(ended), new Set([12]));
});

test("the memory of pictures that are not kept is freed", async () => {
  const closed: number[] = [];
  const cache = new TileCache(
    tileSource("/{z}/{x}/{y}", [0, 12]),
    async ({ column }) => {
      const image = { close: () => closed.push(column) } as unknown as ImageBitmap;
      return { image, names: [] };
    },
    () => undefined,
  );
  cache.placed(WITHIN_A_TILE, SIZE);
  await Promise.resolve();
  await Promise.resolve();
  cache.end();
  assert.deepEqual(closed, [3316]);
});
