// Types and values made at random, and how dbus-next writes the same value in JavaScript.
import { parseSignature, parseSingle, type Type, type Variant } from "../../src/base/signature.ts";
import type { Random } from "../../src/wire/random.ts";

const basics = "ybnqiuxtdsog";
const texts = ["", "a", "web.service", "grüße", "日本語", "\u{1f600}", "x".repeat(300)];
const paths = ["/", "/a", "/org/freedesktop/systemd1/unit/web_2eservice"];
const integers = { y: [0, 255], n: [-32768, 32767], q: [0, 65535], i: [-(2 ** 31), 2 ** 31 - 1], u: [0, 2 ** 32 - 1] };

export class Values {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  signature(): string {
    return Array.from({ length: 1 + this.#random.below(4) }, () => this.#type(0)).join("");
  }

  of(signature: string): unknown[] {
    return parseSignature(signature).map((type) => this.#value(type, 0));
  }

  #pick<T>(from: readonly T[]): T {
    return from[this.#random.below(from.length)] as T;
  }

  #type(depth: number): string {
    const basic = this.#pick([...basics]);
    const form = depth > 3 ? 0 : this.#random.below(8);
    if (form === 1) return `a${this.#type(depth + 1)}`;
    if (form === 2)
      return `(${Array.from({ length: 1 + this.#random.below(3) }, () => this.#type(depth + 1)).join("")})`;
    if (form === 3) return `a{${basic}${this.#type(depth + 1)}}`;
    if (form === 4) return "v";
    return basic;
  }

  #value(type: Type, depth: number): unknown {
    switch (type.code) {
      case "b":
        return this.#random.below(2) === 1;
      case "x":
        // dbus-next refuses the least of all, and doubles that are not finite.
        return this.#pick([0n, -1n, 2n ** 63n - 1n, -(2n ** 62n)]);
      case "t":
        return this.#pick([0n, 1n, 2n ** 63n, 2n ** 64n - 1n]);
      case "d":
        return this.#pick([0, -1.5, 1e300, 5e-324]);
      case "s":
        return this.#pick(texts);
      case "o":
        return this.#pick(paths);
      case "g":
        return this.#pick(["", "s", "a{sv}", "(ii)ay"]);
      case "v":
        return this.#variant(depth);
      case "a":
        return this.#array(type.element, depth);
      case "(":
        return type.fields.map((field) => this.#value(field, depth));
      case "{":
      case "h":
        throw new Error(`no value is made of ${type.code}`);
      default: {
        const [least, most] = integers[type.code] as [number, number];
        return this.#pick([least, most, least + this.#random.below(most - least)]);
      }
    }
  }

  #variant(depth: number): Variant {
    const signature = this.#type(depth + 2);
    return { signature, value: this.#value(parseSingle(signature), depth + 2) };
  }

  #array(element: Type, depth: number): unknown {
    const length = this.#random.below(4);
    if (element.code === "y") return Uint8Array.from({ length }, () => this.#random.below(256));
    if (element.code !== "{") return Array.from({ length }, () => this.#value(element, depth));
    const pairs = Array.from({ length }, () => [this.#value(element.key, depth), this.#value(element.value, depth)]);
    return new Map(pairs as [unknown, unknown][]);
  }
}

/** A value as dbus-next's marshaller takes it. */
export function toDbusNext(type: Type, value: unknown): unknown {
  switch (type.code) {
    case "v": {
      const variant = value as Variant;
      return [variant.signature, toDbusNext(parseSingle(variant.signature), variant.value)];
    }
    case "a":
      if (type.element.code === "y") return Buffer.from(value as Uint8Array);
      return [...(value as Iterable<unknown>)].map((item) => toDbusNext(type.element, item));
    case "(":
      return type.fields.map((field, index) => toDbusNext(field, (value as unknown[])[index]));
    case "{": {
      const [key, item] = value as [unknown, unknown];
      return [toDbusNext(type.key, key), toDbusNext(type.value, item)];
    }
    default:
      return value;
  }
}

/** The value that dbus-next's reader returned, as ours are. */
export function fromDbusNext(type: Type, value: unknown): unknown {
  switch (type.code) {
    case "v": {
      const [[tree], [inner]] = value as [[Tree], [unknown]];
      const signature = printTree(tree);
      return { signature, value: fromDbusNext(parseSingle(signature), inner) };
    }
    case "a": {
      if (type.element.code === "y") return new Uint8Array(value as Buffer);
      const items = (value as unknown[]).map((item) => fromDbusNext(type.element, item));
      return type.element.code === "{" ? new Map(items as [unknown, unknown][]) : items;
    }
    case "(":
      return type.fields.map((field, index) => fromDbusNext(field, (value as unknown[])[index]));
    case "{": {
      const [key, item] = value as [unknown, unknown];
      return [fromDbusNext(type.key, key), fromDbusNext(type.value, item)];
    }
    default:
      return value;
  }
}

interface Tree {
  readonly type: string;
  readonly child: readonly Tree[];
}

const closing: Record<string, string> = { "(": ")", "{": "}" };

function printTree(tree: Tree): string {
  return tree.type + tree.child.map(printTree).join("") + (closing[tree.type] ?? "");
}
