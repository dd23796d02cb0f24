// Reads the fields of a message of Protocol Buffers. It never reads beyond the end of the message.
// https://protobuf.dev/programming-guides/encoding/ describes the encoding.

/** The content of a tile that does not follow its format; the message says where. */
export class DamagedTile extends Error {
  override name = "DamagedTile";
}

const VARINT = 0;
const EIGHT_BYTES = 1;
const LENGTH = 2;
const FOUR_BYTES = 5;
const MOST_VARINT_BYTES = 10;
const UINT32 = 2 ** 32;
const TEXT = new TextDecoder();

export class ProtobufReader {
  /** The number of the field that `next` has found. */
  field = 0;
  private readonly bytes: Uint8Array;
  private readonly view: DataView;
  private readonly end: number;
  private at: number;
  private wireType = 0;

  constructor(bytes: Uint8Array, start = 0, end = bytes.length) {
    this.bytes = bytes;
    this.view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.at = start;
    this.end = end;
  }

  get isAtEnd(): boolean {
    return this.at >= this.end;
  }

  /** Go to the next field; false at the end. Its value must then be read or skipped. */
  next(): boolean {
    if (this.isAtEnd) return false;
    const key = this.uint32();
    this.field = key >>> 3;
    this.wireType = key & 7;
    return true;
  }

  /** Skip the value of a field. */
  skip(): void {
    if (this.wireType === VARINT) this.varint();
    else if (this.wireType === EIGHT_BYTES) this.advance(8);
    else if (this.wireType === LENGTH) this.advance(this.uint32());
    else if (this.wireType === FOUR_BYTES) this.advance(4);
    else throw new DamagedTile(`a field has the unknown wire type ${this.wireType}`);
  }

  /** Read a number of up to 32 bits. */
  uint32(): number {
    const value = this.varint();
    if (value >= UINT32) throw new DamagedTile("a number has more than 32 bits");
    return value;
  }

  /** Read a number of up to 64 bits; beyond 2 ** 53 it is not exact. */
  varint(): number {
    let value = 0;
    let unit = 1;
    for (let count = 0; count < MOST_VARINT_BYTES; count += 1) {
      const byte = this.byte();
      value += (byte & 0x7f) * unit;
      if (byte < 0x80) return value;
      unit *= 0x80;
    }
    throw new DamagedTile("a number has too many bytes");
  }

  /** Read a number of 64 bits with a sign, in two's complement. */
  int64(): number {
    let value = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(BigInt.asIntN(64, value));
    }
    throw new DamagedTile("a number has too many bytes");
  }

  /** Read a number with a sign, in which 0, 1, 2, 3 stand for 0, -1, 1, -2. */
  sint64(): number {
    const value = this.varint();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  /** As `sint64`, for a number of 32 bits. */
  sint32(): number {
    const value = this.uint32();
    return value % 2 === 0 ? value / 2 : -(value + 1) / 2;
  }

  float(): number {
    const at = this.at;
    this.advance(4);
    return this.view.getFloat32(at, true);
  }

  double(): number {
    const at = this.at;
    this.advance(8);
    return this.view.getFloat64(at, true);
  }

  /** Return a reader of a value that has a length: a message, or packed numbers. */
  message(): ProtobufReader {
    if (this.wireType !== LENGTH) throw new DamagedTile("a field has a wrong wire type");
    const length = this.uint32();
    const start = this.at;
    this.advance(length);
    return new ProtobufReader(this.bytes, start, start + length);
  }

  /** Return a reader of what this one has not read yet. */
  copy(): ProtobufReader {
    return new ProtobufReader(this.bytes, this.at, this.end);
  }

  /** Return the rest of the message as a text; at most so many bytes of it. */
  text(mostBytes: number): string {
    const end = Math.min(this.end, this.at + mostBytes);
    return TEXT.decode(this.bytes.subarray(this.at, end));
  }

  private byte(): number {
    const byte = this.at < this.end ? this.bytes[this.at] : undefined;
    if (byte === undefined) throw new DamagedTile("a message ends too early");
    this.at += 1;
    return byte;
  }

  private advance(count: number): void {
    if (count > this.end - this.at) throw new DamagedTile("a message ends too early");
    this.at += count;
  }
}
