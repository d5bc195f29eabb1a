import { type Body, emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { putShortText } from "../base/texts.ts";
import type { Plan, WireType } from "./plan.ts";

const firstCapacity = 4096;
/** Up to here a buffer is kept. */
const keptCapacity = 64 * 1024;
/** One such buffer is kept for whoever writes a long frame: fresh memory takes longer than to write into it. */
const spareCapacity = 256 * 1024;
let spare: Uint8Array<ArrayBuffer> | undefined;
/** The longest of a number. Numbers reserve it unseen, so the limit is held exactly only by `finish`. */
const longestNumber = 10;

const encoder = new TextEncoder();

/**
 * Encodes frames into one growing buffer that is used again and again.
 * Bound: a frame, from `begin` to `finish`, takes `limit` bytes; a larger one throws LimitsExceeded before the buffer
 * grows. Values outside their type's range, and strings with a NUL, throw InvalidArgs. After a throw, `rewind`.
 */
export class Writer {
  /** Not a Buffer: a view of its part takes several times as long. */
  #buffer = new Uint8Array(firstCapacity);
  #length = 0;
  #begun = 0;
  readonly #limit: number;

  constructor(limit = Number.POSITIVE_INFINITY) {
    this.#limit = limit;
  }

  get length(): number {
    return this.#length;
  }

  /** Begins a frame. @returns where it begins. */
  begin(): number {
    this.#begun = this.#length;
    return this.#begun;
  }

  /** Ends the frame. @returns its size. */
  finish(): number {
    const size = this.#length - this.#begun;
    if (size > this.#limit) throw this.#tooLarge();
    return size;
  }

  /** The frame begun last, as far as it is written; valid until more is. */
  get written(): Uint8Array {
    return this.#buffer.subarray(this.#begun, this.#length);
  }

  /** Forgets the frame begun last. */
  rewind(): void {
    this.#length = this.#begun;
  }

  /** The bytes written so far, valid until any writer writes more; the writer is empty then. */
  take(): Uint8Array {
    const buffer = this.#buffer;
    const taken = buffer.subarray(0, this.#length);
    this.#length = 0;
    this.#begun = 0;
    if (buffer.length === spareCapacity) spare = buffer;
    if (buffer.length > keptCapacity) this.#buffer = new Uint8Array(firstCapacity);
    return taken;
  }

  /** Writes a byte over one that has been written. */
  patch(at: number, byte: number): void {
    this.#buffer[at] = byte;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#buffer[this.#length++] = value;
  }

  varint(value: number): void {
    this.#reserve(5);
    let rest = value;
    while (rest >= 0x80) {
      this.#buffer[this.#length++] = (rest & 0x7f) | 0x80;
      rest >>>= 7;
    }
    this.#buffer[this.#length++] = rest;
  }

  string(value: string): void {
    const length = value.length;
    if (length < 0x80) {
      this.#reserve(1 + length);
      if (putShortText(value, this.#buffer, this.#length + 1)) {
        this.#buffer[this.#length] = length;
        this.#length += 1 + length;
        return;
      }
    }
    if (value.includes("\0")) throw new Failure(ErrorName.InvalidArgs, "a string holds a NUL character");
    const size = Buffer.byteLength(value);
    this.varint(size);
    this.#reserve(size);
    this.#length += encoder.encodeInto(value, this.#buffer.subarray(this.#length)).written;
  }

  /** Writes the fields of a message, by their names. */
  fields(plan: Plan, values: object): void {
    for (let index = 0; index < plan.length; index++) {
      const { name, type } = plan[index] as Plan[number];
      this.value(type, (values as Record<string, unknown>)[name]);
    }
  }

  /** Writes one value, which has the type that `ValueOf` gives to its signature. */
  value(type: WireType, value: unknown): void {
    switch (type.code) {
      case "y":
        this.byte(integer(value, 0, 0xff));
        break;
      case "b":
        this.byte(value ? 1 : 0);
        break;
      case "q":
        this.varint(integer(value, 0, 0xffff));
        break;
      case "u":
        this.varint(integer(value, 0, 0xffff_ffff));
        break;
      case "n":
        this.#zigzag(integer(value, -0x8000, 0x7fff));
        break;
      case "i":
        this.#zigzag(integer(value, -0x8000_0000, 0x7fff_ffff));
        break;
      case "t":
        this.#varint64(bigInteger(value, 0n, 2n ** 64n - 1n));
        break;
      case "x": {
        const signed = bigInteger(value, -(2n ** 63n), 2n ** 63n - 1n);
        this.#varint64(BigInt.asUintN(64, (signed << 1n) ^ (signed >> 63n)));
        break;
      }
      case "d":
        this.#reserve(8);
        new DataView(this.#buffer.buffer).setFloat64(this.#length, value as number, true);
        this.#length += 8;
        break;
      case "s":
      case "o":
      case "g":
        this.string(value as string);
        break;
      case "bytes":
        this.#bytes(value as Uint8Array);
        break;
      case "body": {
        const { signature, bytes } = (value ?? emptyBody) as Body;
        this.string(signature);
        this.#bytes(bytes);
        break;
      }
      case "list": {
        const elements = value as readonly unknown[];
        this.varint(elements.length);
        for (const element of elements) this.value(type.element, element);
        break;
      }
      case "struct": {
        const members = value as readonly unknown[];
        for (let index = 0; index < type.fields.length; index++) {
          this.value(type.fields[index] as WireType, members[index]);
        }
        break;
      }
    }
  }

  #zigzag(value: number): void {
    this.varint(((value << 1) ^ (value >> 31)) >>> 0);
  }

  #varint64(value: bigint): void {
    this.#reserve(10);
    // In halves, as arithmetic of large numbers takes long.
    let low = Number(BigInt.asUintN(32, value));
    let high = Number(value >> 32n);
    while (high > 0 || low >= 0x80) {
      this.#buffer[this.#length++] = (low & 0x7f) | 0x80;
      low = ((low >>> 7) | (high << 25)) >>> 0;
      high >>>= 7;
    }
    this.#buffer[this.#length++] = low;
  }

  #bytes(value: Uint8Array): void {
    this.varint(value.length);
    this.#reserve(value.length);
    this.#buffer.set(value, this.#length);
    this.#length += value.length;
  }

  #reserve(size: number): void {
    const needed = this.#length + size;
    if (needed - this.#begun > this.#limit + longestNumber) throw this.#tooLarge();
    if (needed <= this.#buffer.length) return;
    const grown = room(Math.max(needed, this.#buffer.length * 2));
    grown.set(this.#buffer.subarray(0, this.#length));
    this.#buffer = grown;
  }

  #tooLarge(): Failure {
    return new Failure(ErrorName.LimitsExceeded, `a message is larger than ${this.#limit} bytes`);
  }
}

/** Memory for so many bytes, or for some more. */
function room(size: number): Uint8Array<ArrayBuffer> {
  if (size <= keptCapacity || size > spareCapacity) return fresh(size);
  const found = spare ?? fresh(spareCapacity);
  spare = undefined;
  return found;
}

/** Memory that nobody has filled with zeros. */
function fresh(size: number): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
}

function integer(value: unknown, least: number, most: number): number {
  const number = value as number;
  if (Number.isInteger(number) && number >= least && number <= most) return number;
  throw new Failure(ErrorName.InvalidArgs, `${String(value)} is not an integer from ${least} to ${most}`);
}

function bigInteger(value: unknown, least: bigint, most: bigint): bigint {
  const number = value as bigint;
  if (typeof number === "bigint" && number >= least && number <= most) return number;
  throw new Failure(ErrorName.InvalidArgs, `${String(value)} is not an integer from ${least} to ${most}`);
}
