import { isUtf8 } from "node:buffer";
import type { Body } from "../base/body.ts";
import { parseSignature, parseSingle, type Type } from "../base/signature.ts";
import { alignment, alignUp, maxArray, maxDepth, viewOf } from "./layout.ts";
import { isObjectPath } from "./syntax.ts";
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

/** Goes over values one after another, keeping nothing of them but where the next one begins. */
class Walk {
  at = 0;
  #depth = 0;
  readonly #bytes: Buffer;
  readonly #view: DataView;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.#view = viewOf(bytes);
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
        if (!isObjectPath(this.#ascii(this.#uint32()))) throw malformed("an object path is invalid");
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
    else if (type.code === "{") this.#fields([type.key, type.value]);
    else this.value(parseSingle(this.#signature()));
  }

  #fields(fields: readonly Type[]): void {
    this.#take(8, 0);
    for (const field of fields) this.value(field);
  }

  #array(element: Type): void {
    const size = this.#uint32();
    if (size > maxArray) throw malformed("an array is longer than 64 MiB");
    const boundary = alignment(element);
    this.#take(boundary, 0);
    const end = this.at + size;
    if (end > this.#bytes.length) throw malformed("an array ends beyond the message");
    // Elements of fixed size need no look at each of them.
    if ("ynqiuxtd".includes(element.code)) this.at += size - (size % boundary);
    else while (this.at < end) this.value(element);
    if (this.at !== end) throw malformed("an element crosses the end of its array");
  }

  #text(): void {
    const size = this.#uint32();
    const start = this.#terminated(size);
    let all = 0;
    for (let at = start; at < start + size; at++) {
      const byte = this.#bytes[at] as number;
      if (byte === 0) throw malformed("a text contains NUL");
      all |= byte;
    }
    // Nearly all texts are ASCII, which needs no further look.
    if (all > 127 && !isUtf8(this.#bytes.subarray(start, start + size))) throw malformed("a text is not UTF-8");
  }

  #signature(): string {
    return this.#ascii(this.#bytes[this.#take(1, 1)] as number);
  }

  #ascii(size: number): string {
    const start = this.#terminated(size);
    return this.#bytes.toString("latin1", start, start + size);
  }

  #terminated(size: number): number {
    const start = this.#take(1, size + 1);
    if (this.#bytes[start + size] !== 0) throw malformed("a text does not end with NUL");
    return start;
  }

  #uint32(): number {
    return this.#view.getUint32(this.#take(4, 4), true);
  }

  /** Steps over `size` bytes that begin at a boundary, with zeros before it. @returns where they begin. */
  #take(boundary: number, size: number): number {
    const start = alignUp(this.at, boundary);
    if (start + size > this.#bytes.length) throw malformed("it ends too early");
    for (let index = this.at; index < start; index++) {
      if (this.#bytes[index] !== 0) throw malformed("padding is not zero");
    }
    this.at = start + size;
    return start;
  }
}
