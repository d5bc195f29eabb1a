import type { Body } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { parseSignature, parseSingle, SignatureError, type Type, type Variant } from "../base/signature.ts";
import { shortText } from "../base/texts.ts";
import { alignment, alignUp, getUint32, maxArray, maxDepth, printType, setUint32, viewOf } from "./layout.ts";
import { encodeBody } from "./marshal.ts";

/** What is said of bytes that do not hold what their signature says. */
export function malformed(what: string): Failure {
  return new Failure(ErrorName.InconsistentMessage, `malformed message: ${what}`);
}

/** Runs `work`, in which a signature that came from outside is parsed. */
export function parsing<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SignatureError) throw malformed(error.message);
    throw error;
  }
}

/**
 * The values in a body, as src/base/signature.ts says. Never reads beyond the bytes; what only a strict reader would
 * refuse (padding, bytes that are no UTF-8) it overlooks: see validateBody.
 * @throws Failure InconsistentMessage when the bytes do not hold what the signature says.
 */
export function decodeBody(body: Body): unknown[] {
  return decode(body.signature, new Reader(body.bytes, true));
}

function decode(signature: string, reader: Reader): unknown[] {
  return parsing(() => {
    const values: unknown[] = [];
    for (const type of parseSignature(signature)) values.push(reader.value(type));
    if (reader.left > 0) throw malformed(`${reader.left} bytes too many`);
    return values;
  });
}

/** The first value in a body; what follows it is not looked at. @throws Failure InconsistentMessage as decodeBody does. */
export function decodeFirst(body: Body): unknown {
  return parsing(() => {
    const [type] = parseSignature(body.signature);
    if (!type) throw malformed("it has no value");
    return new Reader(body.bytes, true).value(type);
  });
}

/** A body in the byte order that all of ours have, of one that a big-endian peer sent. */
export function fromBigEndian(body: Body): Body {
  return encodeBody(body.signature, decode(body.signature, new Reader(body.bytes, false)));
}

/**
 * The values before the top-level value `index`, which has to be an array, and that one as a body of its own, without
 * decoding it.
 * @throws Failure InconsistentMessage as decodeBody does.
 */
export function splitArray(body: Body, index: number): { readonly before: readonly unknown[]; readonly array: Body } {
  return parsing(() => {
    const types = parseSignature(body.signature);
    const reader = new Reader(body.bytes, true);
    const before: unknown[] = [];
    for (const type of types) {
      if (before.length < index) before.push(reader.value(type));
      else if (type.code === "a") return { before, array: arrayBody(body.bytes, reader, type) };
      else break;
    }
    throw malformed(`value ${index} of '${body.signature}' is no array`);
  });
}

function arrayBody(all: Uint8Array, reader: Reader, type: Type & { code: "a" }): Body {
  const signature = printType(type);
  // Elements that begin at 8 bytes lie the same way in any message; others may have padding inside that does not.
  if (alignment(type.element) !== 8) return encodeBody(signature, [reader.value(type)]);
  const start = reader.array(type.element);
  // Of what comes before them, their length at the least, there are 8 bytes too: in their place are length and padding.
  const bytes = copyBytes(all, start - 8, reader.at);
  setUint32(bytes, 0, reader.at - start);
  setUint32(bytes, 4, 0);
  return { signature, bytes };
}

/** A copy, which keeps nothing of all that the bytes are a part of. */
export function copyBytes(bytes: Uint8Array, start: number, end: number): Uint8Array {
  return slice.call(bytes, start, end);
}

/** That of a Buffer makes no copy. */
const { slice } = Uint8Array.prototype;

/** Bytes of any kind can be read as a Buffer's. */
const toText = Buffer.prototype.toString;

/** Reads values one after another, aligned to where the bytes begin. */
export class Reader {
  readonly #bytes: Uint8Array;
  readonly #little: boolean;
  #at = 0;
  #depth = 0;

  constructor(bytes: Uint8Array, little: boolean) {
    this.#bytes = bytes;
    this.#little = little;
  }

  get at(): number {
    return this.#at;
  }

  get left(): number {
    return this.#bytes.length - this.#at;
  }

  align(boundary: number): void {
    this.#at = alignUp(this.#at, boundary);
  }

  byte(): number {
    return this.#bytes[this.take(1, 1)] as number;
  }

  uint32(): number {
    return getUint32(this.#bytes, this.take(4, 4), this.#little);
  }

  text(): string {
    const size = this.uint32();
    const start = this.take(1, size + 1);
    // Those of a list are nearly all other ones than before.
    const known = this.#depth === 0 ? shortText(this.#bytes, start, start + size) : undefined;
    return known ?? toText.call(this.#bytes, "utf8", start, start + size);
  }

  /** Reads a text. @returns which of these, all ASCII, it is, undefined for any other: of that nothing is made. */
  oneOf<Name extends string>(names: readonly Name[]): Name | undefined {
    const size = this.uint32();
    const start = this.take(1, size + 1);
    for (const name of names) if (name.length === size && this.#isAt(start, name)) return name;
    return undefined;
  }

  #isAt(start: number, text: string): boolean {
    let index = 0;
    while (index < text.length && this.#bytes[start + index] === text.charCodeAt(index)) index++;
    return index === text.length;
  }

  signature(): string {
    const size = this.byte();
    const start = this.take(1, size + 1);
    // Nearly all are those of variants, of one letter.
    if (size === 1) return String.fromCharCode(this.#bytes[start] as number);
    return shortText(this.#bytes, start, start + size) ?? toText.call(this.#bytes, "latin1", start, start + size);
  }

  variant(): Variant {
    const signature = this.signature();
    return { signature, value: this.value(parseSingle(signature)) };
  }

  /** Steps over an array, whose length comes next. @returns where its elements begin; they end where the reader is. */
  array(element: Type): number {
    const size = this.uint32();
    if (size > maxArray) throw malformed("an array is longer than 64 MiB");
    return this.take(alignment(element), size);
  }

  value(type: Type): unknown {
    switch (type.code) {
      case "y":
        return this.byte();
      case "n":
        return viewOf(this.#bytes).getInt16(this.take(2, 2), this.#little);
      case "q":
        return viewOf(this.#bytes).getUint16(this.take(2, 2), this.#little);
      case "i":
        return viewOf(this.#bytes).getInt32(this.take(4, 4), this.#little);
      case "u":
        return this.uint32();
      case "x":
        return viewOf(this.#bytes).getBigInt64(this.take(8, 8), this.#little);
      case "t":
        return viewOf(this.#bytes).getBigUint64(this.take(8, 8), this.#little);
      case "b":
        return this.uint32() !== 0;
      case "d":
        return viewOf(this.#bytes).getFloat64(this.take(8, 8), this.#little);
      case "s":
      case "o":
        return this.text();
      case "g":
        return this.signature();
      case "h":
        throw malformed("file descriptors are not supported");
      case "v":
      case "a":
      case "(":
      case "{":
        return this.#container(type);
    }
  }

  #container(type: Type): unknown {
    if (++this.#depth > maxDepth) throw malformed("containers are nested too deeply");
    const value = this.#inside(type);
    this.#depth--;
    return value;
  }

  #inside(type: Type): unknown {
    if (type.code === "a") return this.#array(type.element);
    if (type.code !== "(") return this.variant();
    this.align(8);
    const values: unknown[] = [];
    for (const field of type.fields) values.push(this.value(field));
    return values;
  }

  #array(element: Type): unknown {
    if (element.code === "y") return Uint8Array.from(this.#bytes.subarray(this.array(element), this.#at));
    const size = this.uint32();
    if (size > maxArray) throw malformed("an array is longer than 64 MiB");
    this.align(alignment(element));
    const end = this.#at + size;
    if (end > this.#bytes.length) throw malformed("an array ends beyond the message");
    const values = element.code === "{" ? this.#entries(element, end) : this.#items(element, end);
    if (this.#at !== end) throw malformed("an element crosses the end of its array");
    return values;
  }

  #items(element: Type, end: number): unknown[] {
    const items: unknown[] = [];
    while (this.#at < end) items.push(this.value(element));
    return items;
  }

  #entries(entry: Type & { code: "{" }, end: number): Map<unknown, unknown> {
    if (++this.#depth > maxDepth) throw malformed("containers are nested too deeply");
    const map = new Map<unknown, unknown>();
    while (this.#at < end) {
      this.align(8);
      const key = this.value(entry.key);
      map.set(key, this.value(entry.value));
    }
    this.#depth--;
    return map;
  }

  /** Steps over `size` bytes that begin at a boundary. @returns where they begin. */
  take(boundary: number, size: number): number {
    const start = alignUp(this.#at, boundary);
    if (start + size > this.#bytes.length) throw malformed("it ends too early");
    this.#at = start + size;
    return start;
  }
}
