import { type Body, emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { parseSignature, parseSingle, SignatureError, type Type, type Variant } from "../base/signature.ts";
import { putShortText } from "../base/texts.ts";
import { alignment, alignUp, maxArray, maxDepth, printType, viewOf } from "./layout.ts";
import { isObjectPath } from "./syntax.ts";

/**
 * The body that holds values of the types in a signature (see src/base/signature.ts for how they are written in
 * TypeScript). In place of an array whose elements are aligned to 8 bytes, a Body of just that array type may stand: its
 * bytes are copied as they are.
 * @throws Failure InvalidArgs naming the type of a value that cannot be sent.
 */
export function encodeBody(signature: string, values: readonly unknown[]): Body {
  const types = parse(parseSignature, signature);
  if (types.length !== values.length) throw invalid(signature, `${values.length} values`);
  if (types.length === 0) return emptyBody;
  const writer = new Writer(signature.includes("{") ? passedOn(values) : 0);
  for (let index = 0; index < types.length; index++) writer.value(types[index] as Type, values[index]);
  return { signature, bytes: writer.finish() };
}

/** About how many bytes the bodies take, with their keys, that stand in place of arrays: lists of many hosts are long. */
function passedOn(values: readonly unknown[]): number {
  let size = 0;
  for (const value of values) {
    if (!(value instanceof Map)) continue;
    for (const item of value.values()) if (item?.bytes instanceof Uint8Array) size += item.bytes.length + 512;
  }
  return size;
}

function parse<T>(parser: (signature: string) => T, signature: string): T {
  try {
    return parser(signature);
  } catch (error) {
    if (error instanceof SignatureError) throw new Failure(ErrorName.InvalidArgs, error.message);
    throw error;
  }
}

function invalid(signature: string, what: string): Failure {
  return new Failure(ErrorName.InvalidArgs, `cannot send ${what} as '${signature}'`);
}

/** What an error message says of a value: short, and never a secret or a flood. */
function nameOf(value: unknown): string {
  if (typeof value === "number" || typeof value === "bigint" || value === undefined || value === null)
    return `${value}`;
  if (typeof value === "string") return `the text '${value.slice(0, 40).replaceAll("\0", "\\0")}'`;
  return Array.isArray(value) ? "an array" : `a value of type ${typeof value}`;
}

const integers = {
  y: [0, 0xff],
  n: [-0x8000, 0x7fff],
  q: [0, 0xffff],
  i: [-(2 ** 31), 2 ** 31 - 1],
  u: [0, 2 ** 32 - 1],
};

// Every writer starts in this shared space and copies what it made out of it: writing never waits for anything, so no
// two writers are at work at once.
const scratch = new Uint8Array(64 * 1024);
const scratchView = viewOf(scratch);

const encoder = new TextEncoder();

/** Writes values one after another, little-endian, aligned to where it began. */
export class Writer {
  #bytes = scratch;
  #view = scratchView;
  #length = 0;
  #depth = 0;

  /** @param room bytes that will be written at the least: what is known to be long is made in one piece. */
  constructor(room = 0) {
    this.#reserve(room);
  }

  get length(): number {
    return this.#length;
  }

  /** What was written, which is the caller's: a copy, unless it fills most of a space of its own. Called once, and last. */
  finish(): Uint8Array {
    const own = this.#bytes !== scratch && this.#length > this.#bytes.length / 2;
    return own ? this.#bytes.subarray(0, this.#length) : this.#bytes.slice(0, this.#length);
  }

  align(boundary: number): void {
    const end = alignUp(this.#length, boundary);
    this.#reserve(end - this.#length);
    while (this.#length < end) this.#bytes[this.#length++] = 0;
  }

  byte(value: number): void {
    this.#reserve(1);
    this.#bytes[this.#length++] = value;
  }

  uint32(value: number): void {
    this.align(4);
    this.#reserve(4);
    this.#view.setUint32(this.#length, value, true);
    this.#length += 4;
  }

  text(text: string): void {
    this.align(4);
    // A UTF-16 unit takes at most three bytes of UTF-8.
    this.#reserve(5 + text.length * 3);
    const start = this.#length + 4;
    const short = putShortText(text, this.#bytes, start);
    const size = short ? text.length : encoder.encodeInto(text, this.#bytes.subarray(start)).written;
    this.#view.setUint32(this.#length, size, true);
    this.#length = start + size;
    this.#bytes[this.#length++] = 0;
  }

  signature(text: string): void {
    this.#reserve(2 + text.length);
    this.#bytes[this.#length++] = text.length;
    for (let index = 0; index < text.length; index++) this.#bytes[this.#length++] = text.charCodeAt(index);
    this.#bytes[this.#length++] = 0;
  }

  raw(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  /** Begins an array whose elements are aligned to `boundary`. @returns what endArray asks for. */
  beginArray(boundary: number): { readonly sizeAt: number; readonly start: number } {
    this.uint32(0);
    const sizeAt = this.#length - 4;
    this.align(boundary);
    return { sizeAt, start: this.#length };
  }

  endArray({ sizeAt, start }: { readonly sizeAt: number; readonly start: number }): void {
    const size = this.#length - start;
    if (size > maxArray) throw new Failure(ErrorName.LimitsExceeded, "an array is longer than 64 MiB");
    this.#view.setUint32(sizeAt, size, true);
  }

  value(type: Type, value: unknown): void {
    switch (type.code) {
      case "y":
      case "n":
      case "q":
      case "i":
      case "u":
        this.#integer(type.code, value);
        break;
      case "x":
      case "t":
        this.#long(type.code, value);
        break;
      case "b":
        if (typeof value !== "boolean") throw invalid("b", nameOf(value));
        this.uint32(value ? 1 : 0);
        break;
      case "d":
        this.#double(value);
        break;
      case "s":
        if (typeof value !== "string" || value.includes("\0")) throw invalid("s", nameOf(value));
        this.text(value);
        break;
      case "o":
        if (typeof value !== "string" || !isObjectPath(value)) throw invalid("o", nameOf(value));
        this.text(value);
        break;
      case "g":
        if (typeof value !== "string") throw invalid("g", nameOf(value));
        parse(parseSignature, value);
        this.signature(value);
        break;
      case "h":
        throw invalid("h", "a file descriptor");
      case "v":
        this.#enter();
        this.#variant(value as Variant | undefined);
        this.#depth--;
        break;
      case "a":
        this.#enter();
        this.#array(type.element, value);
        this.#depth--;
        break;
      case "(":
        this.#enter();
        this.#struct(type.fields, value);
        this.#depth--;
        break;
      case "{":
        throw invalid(printType(type), "an entry without its dictionary");
    }
  }

  #enter(): void {
    if (++this.#depth > maxDepth) throw new Failure(ErrorName.InvalidArgs, "containers are nested too deeply");
  }

  #variant(variant: Variant | undefined): void {
    if (typeof variant?.signature !== "string") throw invalid("v", nameOf(variant));
    const type = parse(parseSingle, variant.signature);
    this.signature(variant.signature);
    this.value(type, variant.value);
  }

  #struct(fields: readonly Type[], value: unknown): void {
    if (!Array.isArray(value) || value.length !== fields.length)
      throw invalid(`(${fields.map(printType).join("")})`, nameOf(value));
    this.align(8);
    for (const [index, field] of fields.entries()) this.value(field, value[index]);
  }

  #array(element: Type, value: unknown): void {
    const array = this.beginArray(alignment(element));
    if (element.code === "y" && value instanceof Uint8Array) this.raw(value);
    else if (element.code === "{" && value instanceof Map) this.#entries(element, value);
    else if (Array.isArray(value) && element.code !== "y" && element.code !== "{")
      for (const item of value) this.value(element, item);
    else this.#passOn(element, value);
    this.endArray(array);
  }

  #entries(entry: Type & { code: "{" }, map: Map<unknown, unknown>): void {
    this.#enter();
    for (const [key, value] of map) {
      this.align(8);
      this.value(entry.key, key);
      this.value(entry.value, value);
    }
    this.#depth--;
  }

  /** Copies the elements of a body of the type a(element). Its first 8 bytes are the length and, maybe, padding. */
  #passOn(element: Type, value: unknown): void {
    const signature = `a${printType(element)}`;
    const { signature: given, bytes } = (value ?? {}) as Partial<Body>;
    if (alignment(element) !== 8 || given !== signature || !(bytes instanceof Uint8Array))
      throw invalid(signature, nameOf(value));
    const start = this.#length;
    this.raw(bytes);
    // What follows these 8 is put over them, as to make a view of that takes longer.
    this.#bytes.copyWithin(start, start + 8, this.#length);
    this.#length = Math.max(start, this.#length - 8);
  }

  #integer(code: keyof typeof integers, value: unknown): void {
    const [least, most] = integers[code] as [number, number];
    if (typeof value !== "number" || !Number.isInteger(value) || value < least || value > most)
      throw invalid(code, nameOf(value));
    if (code === "y") this.byte(value);
    else if (code === "i" || code === "u") this.uint32(value >>> 0);
    else this.#uint16(value & 0xffff);
  }

  #uint16(value: number): void {
    this.align(2);
    this.#reserve(2);
    this.#view.setUint16(this.#length, value, true);
    this.#length += 2;
  }

  #long(code: "x" | "t", value: unknown): void {
    const fits =
      typeof value === "bigint" && value === (code === "x" ? BigInt.asIntN(64, value) : BigInt.asUintN(64, value));
    if (!fits) throw invalid(code, nameOf(value));
    this.align(8);
    this.#reserve(8);
    this.#view.setBigUint64(this.#length, BigInt.asUintN(64, value), true);
    this.#length += 8;
  }

  #double(value: unknown): void {
    if (typeof value !== "number") throw invalid("d", nameOf(value));
    this.align(8);
    this.#reserve(8);
    this.#view.setFloat64(this.#length, value, true);
    this.#length += 8;
  }

  #reserve(more: number): void {
    const needed = this.#length + more;
    if (needed <= this.#bytes.length) return;
    const size = this.#length === 0 ? needed : Math.max(needed, this.#bytes.length * 2);
    const grown = new Uint8Array(Buffer.allocUnsafeSlow(size).buffer);
    grown.set(this.#bytes.subarray(0, this.#length));
    this.#bytes = grown;
    this.#view = viewOf(grown);
  }
}
