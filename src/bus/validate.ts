import { isUtf8 } from "node:buffer";
import type { Body } from "../base/body.ts";
import { parseSignature, parseSingle, type Type } from "../base/signature.ts";
import { shortText } from "../base/texts.ts";
import { alignment, alignUp, getUint32, maxArray, maxDepth } from "./layout.ts";
import { isPathAt } from "./path-bytes.ts";
import { columnsOf, plainEnd, type Views } from "./plain-rows.ts";
import { malformed, parsing } from "./unmarshal.ts";

/**
 * Checks all that the D-Bus specification ("Marshalling") demands of the body of a message. A bus cuts off who sends a
 * message that breaks these rules, so a body from another host passes here before it enters one.
 * @throws Failure InconsistentMessage saying what is wrong.
 */
export function validateBody(body: Body): void {
  parsing(() => {
    const walk = new Walk(body.bytes);
    for (const type of parseSignature(body.signature)) walk.value(type);
    if (walk.at !== body.bytes.length) throw malformed(`${body.bytes.length - walk.at} bytes too many`);
  });
}

const highBits = 0x80808080;
/** Of fewer bytes each is looked at: that takes less time than a call of the runtime. */
const worthWords = 64;

/** Bytes of any kind can be read as a Buffer's. */
const toText = Buffer.prototype.toString;

/** Bytes with views of them by two and by four, as many as there are whole ones. To make a view takes longer than to copy. */
function viewsOf(bytes: Uint8Array): Views {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 1);
  return { bytes, halves, words: new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2) };
}

/** Whether a type is that of the entries in `a{sv}`. */
function isProperty(type: Type): boolean {
  return type.code === "{" && type.key.code === "s" && type.value.code === "v";
}

/** Where bytes are copied that are looked at by the word; those of one body at a time. */
let scratch: Views | undefined;
const maxScratch = 256 * 1024;

function wordsOf(bytes: Uint8Array): Views {
  if (bytes.length > maxScratch) return viewsOf(bytes.byteOffset % 4 === 0 ? bytes : new Uint8Array(bytes));
  scratch ??= viewsOf(new Uint8Array(maxScratch));
  scratch.bytes.set(bytes);
  return scratch;
}

/**
 * Goes over values one after another, keeping nothing of them but where the next one begins. Nothing is allocated per
 * value, and texts, which begin at words, are looked at by the word.
 */
class Walk {
  at = 0;
  #depth = 0;
  /** What is behind the end is not ours. */
  readonly #end: number;
  readonly #bytes: Uint8Array;
  /** Of few bytes there are none, as it would not pay. */
  readonly #views: Views | undefined;
  readonly #words: Int32Array | undefined;

  constructor(given: Uint8Array) {
    this.#views = given.length < worthWords ? undefined : wordsOf(given);
    this.#end = given.length;
    this.#bytes = this.#views?.bytes ?? given;
    this.#words = this.#views?.words;
  }

  value(type: Type): void {
    switch (type.code) {
      case "y":
        this.#take(1, 1);
        break;
      case "n":
      case "q":
        this.#take(2, 2);
        break;
      case "i":
      case "u":
        this.#take(4, 4);
        break;
      case "x":
      case "t":
      case "d":
        this.#take(8, 8);
        break;
      case "b":
        if (this.#uint32() > 1) throw malformed("a boolean is neither 0 nor 1");
        break;
      case "s":
        this.#text();
        break;
      case "o":
        this.#path();
        break;
      case "g":
        parseSignature(this.#signature());
        break;
      case "h":
        throw malformed("file descriptors are not supported");
      case "v":
      case "a":
      case "(":
      case "{":
        if (++this.#depth > maxDepth) throw malformed("containers are nested too deeply");
        this.#inside(type);
        this.#depth--;
        break;
    }
  }

  #inside(type: Type): void {
    if (type.code === "a") this.#array(type.element);
    else if (type.code === "(") this.#fields(type.fields);
    else if (type.code === "{") this.#entry(type.key, type.value);
    else this.#variant();
  }

  #entry(key: Type, value: Type): void {
    this.#take(8, 0);
    this.value(key);
    this.value(value);
  }

  /** What is in a variant: with few steps for what nearly all have, a single number or text. */
  #variant(): void {
    const bytes = this.#bytes;
    const at = this.at;
    if (at + 3 > this.#end || bytes[at] !== 1 || bytes[at + 2] !== 0) {
      this.value(parseSingle(this.#signature()));
      return;
    }
    this.at = at + 3;
    switch (bytes[at + 1]) {
      case 0x73: // s
        this.#text();
        break;
      case 0x74: // t
        this.#take(8, 8);
        break;
      default:
        this.value(parseSingle(String.fromCharCode(bytes[at + 1] as number)));
    }
  }

  #fields(fields: readonly Type[]): void {
    this.#take(8, 0);
    for (let index = 0; index < fields.length; index++) {
      const field = fields[index] as Type;
      // Most are texts.
      if (field.code === "s") this.#text();
      else this.value(field);
    }
  }

  #array(element: Type): void {
    const size = this.#uint32();
    if (size > maxArray) throw malformed("an array is longer than 64 MiB");
    const boundary = alignment(element);
    this.#take(boundary, 0);
    const end = this.at + size;
    if (end > this.#end) throw malformed("an array ends beyond the message");
    // Elements of fixed size need no look at each of them.
    if ("ynqiuxtd".includes(element.code)) this.at += size - (size % boundary);
    else this.#elements(element, end);
    if (this.at !== end) throw malformed("an element crosses the end of its array");
  }

  #elements(type: Type, end: number): void {
    if (isProperty(type) && this.#depth + 2 <= maxDepth) {
      this.#properties(end);
      return;
    }
    const views = this.#views;
    const columns = views && end - this.at >= worthWords ? columnsOf(type) : undefined;
    while (this.at < end) {
      if (columns && views) this.at = plainEnd(views, this.at, end, columns);
      if (this.at < end) this.value(type);
    }
  }

  /** What nearly all elements are that are no rows, without a step for each container. */
  #properties(end: number): void {
    this.#depth += 2;
    while (this.at < end) {
      this.#take(8, 0);
      this.#text();
      this.#variant();
    }
    this.#depth -= 2;
  }

  #text(): void {
    const start = this.#sized();
    const end = this.at - 1;
    const words = this.#words;
    // Bits are left of a word in which a byte is 0, and of no other.
    let zeros = 0;
    let all = 0;
    let at = start;
    if (words) {
      const last = end >>> 2;
      for (let index = start >>> 2; index < last; index++) {
        const word = words[index] as number;
        zeros |= (word - 0x01010101) & ~word;
        all |= word;
      }
      at = last << 2;
    }
    for (; at < end; at++) {
      const byte = this.#bytes[at] as number;
      zeros |= (byte - 1) & ~byte;
      all |= byte;
    }
    if ((zeros & highBits) !== 0) throw malformed("a text contains NUL");
    // Nearly all texts are ASCII, which needs no further look.
    if ((all & highBits) !== 0 && !isUtf8(this.#bytes.subarray(start, end))) throw malformed("a text is not UTF-8");
  }

  #path(): void {
    const start = this.#sized();
    if (!isPathAt(this.#bytes, this.#views?.halves, start, this.at - 1)) throw malformed("an object path is invalid");
  }

  /** Steps over a text with its length, in one step as most values are texts. @returns where it begins; its NUL is the last byte. */
  #sized(): number {
    const bytes = this.#bytes;
    const words = this.#words;
    const before = alignUp(this.at, 4);
    const start = before + 4;
    if (start >= this.#end) throw malformed("it ends too early");
    for (let index = this.at; index < before; index++) if (bytes[index] !== 0) throw malformed("padding is not zero");
    const size = words ? (words[before >>> 2] as number) >>> 0 : getUint32(bytes, before, true);
    const end = start + size;
    if (end >= this.#end) throw malformed("it ends too early");
    if (bytes[end] !== 0) throw malformed("a text does not end with NUL");
    this.at = end + 1;
    return start;
  }

  #signature(): string {
    const size = this.#bytes[this.#take(1, 1)] as number;
    const start = this.#terminated(size);
    return shortText(this.#bytes, start, start + size) ?? toText.call(this.#bytes, "latin1", start, start + size);
  }

  #terminated(size: number): number {
    const start = this.#take(1, size + 1);
    if (this.#bytes[start + size] !== 0) throw malformed("a text does not end with NUL");
    return start;
  }

  #uint32(): number {
    const at = this.#take(4, 4);
    return this.#words ? (this.#words[at >>> 2] as number) >>> 0 : getUint32(this.#bytes, at, true);
  }

  /** Steps over `size` bytes that begin at a boundary, with zeros before it. @returns where they begin. */
  #take(boundary: number, size: number): number {
    const start = alignUp(this.at, boundary);
    if (start + size > this.#end) throw malformed("it ends too early");
    for (let index = this.at; index < start; index++) {
      if (this.#bytes[index] !== 0) throw malformed("padding is not zero");
    }
    this.at = start + size;
    return start;
  }
}
