// Decodes vector tiles (MVT) of version 2. https://github.com/mapbox/vector-tile-spec is the format.
// A tile may come from anywhere: the numbers of its layers, features, values and points are limited.
import { DamagedTile, ProtobufReader } from "./protobuf.ts";

export const LIMITS = {
  layers: 100,
  features: 200_000,
  /** Keys and values of all layers together. */
  values: 500_000,
  /** Points of all geometries that are read, together. */
  points: 1_000_000,
  textBytes: 400,
} as const;
const LEAST_EXTENT = 1;
const MOST_EXTENT = 1 << 24;
const USUAL_EXTENT = 4096;
const MOVE_TO = 1;
const LINE_TO = 2;
const CLOSE_PATH = 7;

export type Value = string | number | boolean;
export type Shape = "point" | "line" | "area";
/** Points as x, y, x, y and so on, in units of the layer, of which its extent is a tile's side. */
export type Points = number[];

export interface VectorFeature {
  shape: Shape;
  /** Return a property; undefined without it. Throws DamagedTile. */
  property: (name: string) => Value | undefined;
  /** Return all points of points, the parts of lines, or the rings of areas. Throws DamagedTile. */
  parts: () => Points[];
}

export interface VectorLayer {
  name: string;
  extent: number;
  features: readonly VectorFeature[];
}

/** Decode the layers with these names, or all without names. Throws DamagedTile. */
export function decodeTile(
  bytes: Uint8Array,
  names: ReadonlySet<string> | null = null,
): VectorLayer[] {
  const reader = new ProtobufReader(bytes);
  const counts: Counts = { features: 0, values: 0, points: 0 };
  const layers: VectorLayer[] = [];
  while (reader.next()) {
    if (reader.field !== 3) {
      reader.skip();
      continue;
    }
    const layer = layerOf(reader.message(), names, counts);
    if (layer !== null) layers.push(layer);
    if (layers.length > LIMITS.layers) throw new DamagedTile("the tile has too many layers");
  }
  return layers;
}

interface Counts {
  features: number;
  values: number;
  points: number;
}

/** What the features of a layer share. */
interface Dictionary {
  keys: readonly string[];
  values: readonly Value[];
}

/** The parts of a layer before they are decoded; their order in the message is free. */
interface RawLayer {
  name: string;
  extent: number;
  features: ProtobufReader[];
  keys: ProtobufReader[];
  values: ProtobufReader[];
}

function rawLayer(reader: ProtobufReader): RawLayer {
  const raw: RawLayer = { name: "", extent: USUAL_EXTENT, features: [], keys: [], values: [] };
  while (reader.next()) {
    switch (reader.field) {
      case 1:
        raw.name = textOf(reader.message());
        break;
      case 2:
        raw.features.push(reader.message());
        break;
      case 3:
        raw.keys.push(reader.message());
        break;
      case 4:
        raw.values.push(reader.message());
        break;
      case 5:
        raw.extent = reader.uint32();
        break;
      default:
        reader.skip();
    }
    if (raw.features.length + raw.keys.length + raw.values.length > LIMITS.values) {
      throw new DamagedTile("a layer has too many features or values");
    }
  }
  return raw;
}

function layerOf(
  reader: ProtobufReader,
  names: ReadonlySet<string> | null,
  counts: Counts,
): VectorLayer | null {
  const { name, extent, features, keys, values } = rawLayer(reader);
  if (names !== null && !names.has(name)) return null;
  if (extent < LEAST_EXTENT || extent > MOST_EXTENT) {
    throw new DamagedTile(`a layer has the extent ${extent}`);
  }
  counts.features += features.length;
  counts.values += keys.length + values.length;
  if (counts.features > LIMITS.features || counts.values > LIMITS.values) {
    throw new DamagedTile("the tile has too many features or values");
  }
  const dictionary = { keys: keys.map(textOf), values: values.map(decodedValue) };
  return {
    name,
    extent,
    features: features.flatMap((feature) => featureOf(feature, dictionary, counts) ?? []),
  };
}

function textOf(message: ProtobufReader): string {
  return message.text(LIMITS.textBytes);
}

function decodedValue(message: ProtobufReader): Value {
  let value: Value = "";
  while (message.next()) value = valueOfField(message) ?? value;
  return value;
}

/** Return a value of one of the types of the format; undefined for another field. */
function valueOfField(message: ProtobufReader): Value | undefined {
  switch (message.field) {
    case 1:
      return textOf(message.message());
    case 2:
      return message.float();
    case 3:
      return message.double();
    case 4:
      return message.int64();
    case 5:
      return message.varint();
    case 6:
      return message.sint64();
    case 7:
      return message.varint() !== 0;
    default:
      message.skip();
      return undefined;
  }
}

const SHAPES: readonly (Shape | undefined)[] = [undefined, "point", "line", "area"];

/** Return a feature; null without a known type or geometry, as version 2 allows to ignore it. */
function featureOf(
  message: ProtobufReader,
  dictionary: Dictionary,
  counts: Counts,
): VectorFeature | null {
  let shape: Shape | undefined;
  let geometry: ProtobufReader | null = null;
  let tags: ProtobufReader | null = null;
  while (message.next()) {
    if (message.field === 2) tags = message.message();
    else if (message.field === 3) shape = SHAPES[message.uint32()];
    else if (message.field === 4) geometry = message.message();
    else message.skip();
  }
  if (shape === undefined || geometry === null) return null;
  const own = { shape, geometry, tags };
  let properties: ReadonlyMap<string, Value> | null = null;
  return {
    shape,
    property: (name) => {
      properties ??= propertiesOf(own.tags, dictionary);
      return properties.get(name);
    },
    parts: () => partsOf(own.geometry.copy(), own.shape, counts),
  };
}

function propertiesOf(
  tags: ProtobufReader | null,
  { keys, values }: Dictionary,
): Map<string, Value> {
  const properties = new Map<string, Value>();
  while (tags !== null && !tags.isAtEnd) {
    const key = keys[tags.uint32()];
    const value = values[tags.uint32()];
    if (key === undefined || value === undefined) {
      throw new DamagedTile("a feature has a property that its layer does not have");
    }
    properties.set(key, value);
  }
  return properties;
}

/** Follow the commands of a geometry. Each point takes bytes, so their number is limited too. */
function partsOf(commands: ProtobufReader, shape: Shape, counts: Counts): Points[] {
  const pen = new Pen();
  while (!commands.isAtEnd) {
    const command = commands.uint32();
    const id = command & 7;
    const count = command >>> 3;
    if (id === CLOSE_PATH) {
      // A count above 1 would repeat what takes no bytes.
      if (count !== 1 || shape !== "area") throw new DamagedTile("a ring is closed wrongly");
      pen.lift();
      continue;
    }
    if (id !== MOVE_TO && id !== LINE_TO) throw new DamagedTile(`a geometry has command ${id}`);
    counts.points += count;
    if (counts.points > LIMITS.points) throw new DamagedTile("the tile has too many points");
    pen.follow(id === MOVE_TO, count, commands);
  }
  return pen.parts;
}

/** Where the next command of a geometry begins, and what was drawn. */
class Pen {
  readonly parts: Points[] = [];
  private part: Points | null = null;
  private x = 0;
  private y = 0;

  /** Follow a command of `count` points, each of which either begins a part or continues one. */
  follow(isMove: boolean, count: number, numbers: ProtobufReader): void {
    for (let number = 0; number < count; number += 1) {
      this.x += numbers.sint32();
      this.y += numbers.sint32();
      if (isMove) {
        this.part = [this.x, this.y];
        this.parts.push(this.part);
      } else if (this.part === null) throw new DamagedTile("a line has no first point");
      else this.part.push(this.x, this.y);
    }
  }

  lift(): void {
    this.part = null;
  }
}
