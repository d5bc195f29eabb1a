import { type Body, emptyBody } from "../base/body.ts";
import { shortText } from "../base/texts.ts";
import type { Plan, WireType } from "./plan.ts";

/** Bytes that no peer of ours would send; the reason in a few words. */
export class WireError extends Error {}

/** A Buffer's own makes views. */
const copy = Uint8Array.prototype.slice;

const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/**
 * Decodes values from bytes that are not trusted. Nothing decoded refers to the bytes, which may be used again, unless they are
 * said to be our own: then what is most of them is left where it is.
 * Bounds: lengths and counts are held against the bytes left, nesting is bound by the plan; beyond them it throws
 * WireError.
 */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #own: boolean;
  readonly #end: number;
  #at: number;

  /** @param start where to begin, and `end` where to end; nothing beyond is looked at. */
  constructor(bytes: Uint8Array, own = false, start = 0, end = bytes.length) {
    this.#bytes = bytes;
    this.#own = own;
    this.#at = start;
    this.#end = end;
  }

  get left(): number {
    return this.#end - this.#at;
  }

  byte(): number {
    if (this.#at >= this.#end) throw new WireError("cut short");
    return this.#bytes[this.#at++] as number;
  }

  /** Reads an unsigned number of at most `most`, which is less than 2^32. */
  varint(most: number): number {
    let value = 0;
    for (let scale = 1; ; scale *= 128) {
      const byte = this.byte();
      value += (byte & 0x7f) * scale;
      if (value > most) throw new WireError("a number is too large");
      if (byte < 0x80) {
        if (byte === 0 && scale > 1) throw new WireError("a number is padded");
        return value;
      }
      // Only zeros may have come so far; they would be padding.
      if (scale > most) throw new WireError("a number is too long");
    }
  }

  string(): string {
    const size = this.#size();
    const start = this.#at;
    this.#at += size;
    const short = shortText(this.#bytes, start, this.#at);
    if (short !== undefined) return short;
    const bytes = this.#bytes.subarray(start, this.#at);
    if (bytes.includes(0)) throw new WireError("a string holds a NUL character");
    try {
      return decoder.decode(bytes);
    } catch {
      throw new WireError("a string is not UTF-8");
    }
  }

  /** Reads the fields of a message. Those missing at the end are zero; bytes left over are not looked at. */
  fields(plan: Plan): Record<string, unknown> {
    const values: Record<string, unknown> = {};
    for (let index = 0; index < plan.length; index++) {
      const { name, type } = plan[index] as Plan[number];
      values[name] = this.#at === this.#end ? zero(type) : this.value(type);
    }
    return values;
  }

  value(type: WireType): unknown {
    switch (type.code) {
      case "y":
        return this.byte();
      case "b":
        return this.#boolean();
      case "q":
        return this.varint(0xffff);
      case "u":
        return this.varint(0xffff_ffff);
      case "n":
        return zigzag(this.varint(0xffff));
      case "i":
        return zigzag(this.varint(0xffff_ffff));
      case "t":
        return this.#varint64();
      case "x": {
        const folded = this.#varint64();
        return (folded >> 1n) ^ -(folded & 1n);
      }
      case "d":
        if (this.left < 8) throw new WireError("cut short");
        this.#at += 8;
        return new DataView(this.#bytes.buffer, this.#bytes.byteOffset).getFloat64(this.#at - 8, true);
      case "s":
      case "o":
      case "g":
        return this.string();
      case "bytes":
        return this.#copy();
      case "body":
        return this.#body();
      case "list":
        return this.#list(type.element);
      case "struct":
        return type.fields.map((field) => this.value(field));
    }
  }

  #boolean(): boolean {
    const byte = this.byte();
    if (byte > 1) throw new WireError("a boolean is neither 0 nor 1");
    return byte === 1;
  }

  #varint64(): bigint {
    // In two parts of up to five bytes, as arithmetic of large numbers takes long.
    let [low, high] = [0, 0];
    for (let index = 0; index < 10; index++) {
      const byte = this.byte();
      const scaled = (byte & 0x7f) * 2 ** (7 * (index % 5));
      if (index < 5) low += scaled;
      else high += scaled;
      if (byte >= 0x80) continue;
      if (byte === 0 && index > 0) throw new WireError("a number is padded");
      if (high >= 2 ** 29) throw new WireError("a number is too large");
      return high === 0 ? BigInt(low) : (BigInt(high) << 35n) | BigInt(low);
    }
    throw new WireError("a number is too long");
  }

  #body(): Body {
    const signature = this.string();
    const bytes = this.#copy();
    return signature === "" && bytes.length === 0 ? emptyBody : { signature, bytes };
  }

  #list(element: WireType): unknown[] {
    // Every element takes a byte at least, so the count says nothing that the bytes cannot hold.
    const count = this.#size();
    const elements: unknown[] = [];
    for (let index = 0; index < count; index++) elements.push(this.value(element));
    return elements;
  }

  /** Copies bytes out: a view would keep a whole chunk alive, or change when its buffer is used again. */
  #copy(): Uint8Array {
    const size = this.#size();
    const start = this.#at;
    this.#at += size;
    if (this.#own && size * 2 > this.#bytes.buffer.byteLength) return this.#bytes.subarray(start, this.#at);
    return copy.call(this.#bytes, start, this.#at) as Uint8Array;
  }

  /** A length or count, held against the bytes that are left. */
  #size(): number {
    const size = this.varint(0xffff_ffff);
    if (size > this.left) throw new WireError("a length exceeds the bytes left");
    return size;
  }
}

function zigzag(folded: number): number {
  return (folded >>> 1) ^ -(folded & 1);
}

/** The value of a field that its sender does not know yet. */
export function zero(type: WireType): unknown {
  switch (type.code) {
    case "b":
      return false;
    case "x":
    case "t":
      return 0n;
    case "s":
    case "o":
    case "g":
      return "";
    case "bytes":
      return new Uint8Array(0);
    case "body":
      return emptyBody;
    case "list":
      return [];
    case "struct":
      return type.fields.map(zero);
    default:
      return 0;
  }
}
