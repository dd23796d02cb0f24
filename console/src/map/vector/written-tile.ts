// Writes vector tiles for the tests, as the specification describes them.

export type Property = string | number | boolean;
export interface WrittenFeature {
  /** 1: point, 2: line, 3: area. */
  type: number;
  parts?: readonly (readonly number[])[];
  /** The numbers of the geometry, for what parts cannot say. */
  commands?: readonly number[];
  properties?: Readonly<Record<string, Property>>;
}
export interface WrittenLayer {
  name: string;
  extent?: number;
  features: readonly WrittenFeature[];
}

export function varint(number: number): number[] {
  const bytes: number[] = [];
  let rest = number;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}

export function field(number: number, content: readonly number[]): number[] {
  return [...varint(number * 8 + 2), ...varint(content.length), ...content];
}

export function text(value: string): number[] {
  return [...new TextEncoder().encode(value)];
}

export function writtenTile(layers: readonly WrittenLayer[]): Uint8Array {
  return new Uint8Array(layers.flatMap((layer) => field(3, layerBytes(layer))));
}

function layerBytes({ name, extent, features }: WrittenLayer): number[] {
  const keys: string[] = [];
  const values: Property[] = [];
  const indexIn = <Item>(list: Item[], item: Item) => {
    if (!list.includes(item)) list.push(item);
    return list.indexOf(item);
  };
  const written = features.map((feature) => {
    const tags = Object.entries(feature.properties ?? {}).flatMap(([key, value]) => [
      ...varint(indexIn(keys, key)),
      ...varint(indexIn(values, value)),
    ]);
    const commands = feature.commands ?? commandsOf(feature);
    return [
      ...field(2, tags),
      ...varint(3 * 8),
      feature.type,
      ...field(4, commands.flatMap(varint)),
    ];
  });
  return [
    ...varint(15 * 8),
    2,
    ...field(1, text(name)),
    ...written.flatMap((feature) => field(2, feature)),
    ...keys.flatMap((key) => field(3, text(key))),
    ...values.flatMap((value) => field(4, valueBytes(value))),
    ...(extent === undefined ? [] : [...varint(5 * 8), ...varint(extent)]),
  ];
}

function valueBytes(value: Property): number[] {
  if (typeof value === "string") return field(1, text(value));
  if (typeof value === "boolean") return [7 * 8, value ? 1 : 0];
  if (Number.isInteger(value) && value >= 0) return [5 * 8, ...varint(value)];
  if (Number.isInteger(value)) return [6 * 8, ...varint(zigzag(value))];
  return [3 * 8 + 1, ...new Uint8Array(new Float64Array([value]).buffer)];
}

function zigzag(number: number): number {
  return number < 0 ? -2 * number - 1 : 2 * number;
}

function commandsOf({ type, parts = [] }: WrittenFeature): number[] {
  const commands: number[] = [];
  let [x, y] = [0, 0];
  const by = (points: readonly number[]) => {
    for (let at = 0; at < points.length; at += 2) {
      const [toX = 0, toY = 0] = points.slice(at, at + 2);
      commands.push(zigzag(toX - x), zigzag(toY - y));
      [x, y] = [toX, toY];
    }
  };
  for (const points of parts) {
    commands.push(8 + 1);
    by(points.slice(0, 2));
    if (points.length > 2) {
      commands.push((points.length / 2 - 1) * 8 + 2);
      by(points.slice(2));
    }
    if (type === 3) commands.push(8 + 7);
  }
  return commands;
}
