import assert from "node:assert/strict";
import { test } from "node:test";
import { DamagedTile } from "./protobuf.ts";
import { decodeTile, LIMITS } from "./vector-tile.ts";
import { field, text, varint, type WrittenFeature, writtenTile } from "./written-tile.ts";

/** Return numbers that look random, and are the same in each run. */
function* randomNumbers(seed: number): Generator<number> {
  let state = seed;
  while (true) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    yield state / 2 ** 32;
  }
}

test("the example of the specification is decoded", () => {
  // Section 4.3.5: a ring with the corners (3,6), (8,12) and (20,34).
  const commands = [9, 6, 12, 18, 10, 12, 24, 44, 15];
  const tile = writtenTile([{ name: "areas", features: [{ type: 3, commands }] }]);
  const [layer] = decodeTile(tile);
  assert.deepEqual([layer?.name, layer?.extent], ["areas", 4096]);
  assert.equal(layer?.features[0]?.shape, "area");
  assert.deepEqual(layer?.features[0]?.parts(), [[3, 6, 8, 12, 20, 34]]);
});

test("properties of every type are decoded", () => {
  const properties = {
    name: "汉江大道",
    level: 4,
    below: -1,
    width: 2.5,
    is_bridge: true,
    zero: 0,
  };
  const features: WrittenFeature[] = [{ type: 1, parts: [[7, -9]], properties }];
  const [layer] = decodeTile(writtenTile([{ name: "roads", extent: 512, features }]));
  assert.equal(layer?.extent, 512);
  for (const [name, value] of Object.entries(properties)) {
    assert.equal(layer?.features[0]?.property(name), value, name);
  }
  assert.equal(layer?.features[0]?.property("absent"), undefined);
  assert.deepEqual(layer?.features[0]?.parts(), [[7, -9]]);
});

test("a negative number in two's complement and a number of 32 bits are decoded", () => {
  const minusOne = [4 * 8, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1];
  const quarter = [2 * 8 + 5, 0, 0, 128, 62];
  const layer = [
    ...field(1, text("any")),
    ...field(2, [...field(2, [0, 0, 1, 1]), 3 * 8, 1, ...field(4, [9, 0, 0])]),
    ...field(3, text("level")),
    ...field(3, text("part")),
    ...field(4, minusOne),
    ...field(4, quarter),
  ];
  const [decoded] = decodeTile(new Uint8Array(field(3, layer)));
  assert.equal(decoded?.features[0]?.property("level"), -1);
  assert.equal(decoded?.features[0]?.property("part"), 0.25);
});

test("what was written is decoded, whatever it is", () => {
  const random = randomNumbers(7);
  const whole = (most: number) => Math.floor((random.next().value as number) * (most + 1));
  for (let round = 0; round < 200; round += 1) {
    const features = Array.from({ length: whole(6) }, (): WrittenFeature => {
      const type = 1 + whole(2);
      const length = type === 1 ? 1 : type + whole(8);
      const parts = Array.from({ length: 1 + whole(3) }, () =>
        Array.from({ length: 2 * length }, () => whole(20_000) - 8_000),
      );
      return { type, parts, properties: { kind: `kind ${whole(3)}`, rank: whole(99) - 9 } };
    });
    const [layer] = decodeTile(writtenTile([{ name: "some", features }]));
    assert.deepEqual(
      layer?.features.map((one) => [one.parts(), one.property("kind"), one.property("rank")]),
      features.map(({ parts, properties }) => [parts, properties?.["kind"], properties?.["rank"]]),
    );
  }
});

test("a layer that is not wanted is left out, with its damage", () => {
  const tile = writtenTile([
    { name: "pois", extent: 0, features: [] },
    { name: "water", features: [] },
  ]);
  assert.deepEqual(
    decodeTile(tile, new Set(["water"])).map(({ name }) => name),
    ["water"],
  );
});

/** Decode everything that a tile has. */
function decodeWhole(tile: Uint8Array): void {
  for (const layer of decodeTile(tile)) {
    for (const feature of layer.features) {
      feature.property("kind");
      feature.parts();
    }
  }
}

const oneFeature = (feature: WrittenFeature) => writtenTile([{ name: "any", features: [feature] }]);
const WRONG: readonly (readonly [string, Uint8Array, RegExp])[] = [
  ["an unknown wire type", new Uint8Array([3 * 8 + 3, 1]), /wrong wire type/],
  ["an unknown field", new Uint8Array([9 * 8 + 7, 1]), /unknown wire type 7/],
  ["a length beyond the end", new Uint8Array([3 * 8 + 2, 200, 1]), /ends too early/],
  ["an endless number", new Uint8Array([8, ...Array<number>(20).fill(255)]), /too many bytes/],
  ["no extent", writtenTile([{ name: "any", extent: 0, features: [] }]), /extent 0/],
  ["a huge extent", writtenTile([{ name: "any", extent: 2 ** 31, features: [] }]), /extent/],
  ["a command of none", oneFeature({ type: 2, commands: [8 + 3] }), /command 3/],
  ["a line without a point", oneFeature({ type: 2, commands: [8 + 2, 2, 2] }), /first point/],
  ["a closed line", oneFeature({ type: 2, commands: [9, 2, 2, 15] }), /closed wrongly/],
  ["too few numbers", oneFeature({ type: 2, commands: [9, 2, 2, 8 * 50 + 2, 2] }), /too early/],
  [
    "a ring that is closed many million times",
    oneFeature({ type: 3, commands: [9, 2, 2, 8 * 2 ** 28 + 7, 9, 2, 2] }),
    /closed wrongly/,
  ],
  [
    "more points than are allowed",
    oneFeature({ type: 2, commands: [9, 2, 2, 8 * (LIMITS.points + 1) + 2] }),
    /too many points/,
  ],
  ["a number of 40 bits", oneFeature({ type: 2, commands: [9, 2 ** 40, 2] }), /32 bits/],
];

for (const [name, tile, says] of WRONG) {
  test(`a tile with ${name} is damaged`, () => {
    assert.throws(
      () => decodeWhole(tile),
      (error) => error instanceof DamagedTile && says.test(error.message),
    );
  });
}

test("a property of no key is damage", () => {
  const feature = [...field(2, [0, 0]), 3 * 8, 1, ...field(4, [9, 0, 0])];
  const layer = [...field(1, text("any")), ...field(2, feature)];
  assert.throws(() => decodeWhole(new Uint8Array(field(3, layer))), DamagedTile);
});

test("more layers, features or values than are allowed are damage", () => {
  const many = (count: number, content: readonly number[]) =>
    new Uint8Array(Array.from({ length: count }, () => content).flat());
  assert.throws(() => decodeWhole(many(LIMITS.layers + 1, field(3, []))), /too many layers/);
  const features = many(LIMITS.features + 1, field(2, []));
  const values = many(LIMITS.values + 1, field(4, []));
  for (const content of [features, values]) {
    const tile = new Uint8Array(content.length + 6);
    const head = [3 * 8 + 2, ...varint(content.length)];
    tile.set(head);
    tile.set(content, head.length);
    assert.throws(() => decodeWhole(tile.subarray(0, head.length + content.length)), /too many/);
  }
});

test("a tile that is cut off or has a wrong byte anywhere ends in no other error", () => {
  const whole = writtenTile([
    {
      name: "roads",
      features: [
        { type: 2, parts: [[0, 0, 100, 50, 300, 20]], properties: { kind: "highway", rank: 3 } },
        { type: 3, parts: [[0, 0, 9, 0, 9, 9]], properties: { kind: "park", part: 0.5 } },
      ],
    },
  ]);
  let damaged = 0;
  const decode = (tile: Uint8Array) => {
    try {
      decodeWhole(tile);
    } catch (error) {
      assert.ok(error instanceof DamagedTile, String(error));
      damaged += 1;
    }
  };
  for (let at = 0; at < whole.length; at += 1) {
    decode(whole.subarray(0, at));
    for (const flipped of [1, 0x80, 0xff]) {
      const wrong = whole.slice();
      wrong[at] = (wrong[at] as number) ^ flipped;
      decode(wrong);
    }
  }
  assert.ok(damaged > whole.length, `${damaged} faults were found`);
});

test("any bytes are a tile or damage", () => {
  const random = randomNumbers(3);
  for (let round = 0; round < 2_000; round += 1) {
    const bytes = Uint8Array.from({ length: round % 60 }, () =>
      Math.floor((random.next().value as number) * 256),
    );
    try {
      decodeWhole(bytes);
    } catch (error) {
      assert.ok(error instanceof DamagedTile, String(error));
    }
  }
});
