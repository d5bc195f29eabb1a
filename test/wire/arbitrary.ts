// Values of any type of the wire, for fuzzing.
import { rows } from "../../src/wire/codec.ts";
import { compressedPlan } from "../../src/wire/compression.ts";
import { enrolledPlan, enrolPlan, pendingPlan } from "../../src/wire/enrolment.ts";
import { helloPlan, refusePlan, welcomePlan } from "../../src/wire/hello.ts";
import { type Plan, planOf, type WireType } from "../../src/wire/plan.ts";
import type { Random } from "../../src/wire/random.ts";
import { Writer } from "../../src/wire/writer.ts";

/** Types that no row has yet. */
const others = planOf({ a: "a(ssssssouso)", b: "aaay", c: "a(nix(btd))", d: "(ayq)", e: "g", f: "y" });
/** All that is decoded on the wire, by a name for people. */
export const plans: [string, Plan][] = [
  ...Object.values(rows).flatMap((row): [string, Plan][] => [
    [row.name, row.fields],
    [`${row.name}'s reply`, row.reply],
  ]),
  ["hello", helloPlan],
  ["welcome", welcomePlan],
  ["refuse", refusePlan],
  ["compressed", compressedPlan],
  ["enrol", enrolPlan],
  ["enrolled", enrolledPlan],
  ["pending", pendingPlan],
  ["others", others],
];

export class Arbitrary {
  readonly #random: Random;

  constructor(random: Random) {
    this.#random = random;
  }

  below(below: number): number {
    return this.#random.below(below);
  }

  bytes(): Uint8Array {
    return Uint8Array.from({ length: this.#random.below(2) * this.#random.below(300) }, () => this.#random.below(256));
  }

  text(): string {
    const alphabet = ["a", "Z", ".", "/", "_", "\n", "ä", "€", "😀", "\u{feff}", "\u0001"];
    return Array.from(
      { length: this.#random.below(3) * this.#random.below(40) },
      () => alphabet[this.#random.below(alphabet.length)],
    ).join("");
  }

  /** An integer of any length in bits, often at an edge. */
  #integer(bits: number, signed: boolean): bigint {
    let value = 0n;
    for (let bit = this.#random.below(bits + 1); bit > 0; bit--)
      value = value * 2n + BigInt(this.#random.below(8) > 0 ? 1 : 0);
    return signed ? BigInt.asIntN(bits, value) : value;
  }

  #anyOf(type: WireType, depth = 0): unknown {
    switch (type.code) {
      case "y":
        return Number(this.#integer(8, false));
      case "b":
        return this.#random.below(2) === 1;
      case "q":
        return Number(this.#integer(16, false));
      case "u":
        return Number(this.#integer(32, false));
      case "n":
        return Number(this.#integer(16, true));
      case "i":
        return Number(this.#integer(32, true));
      case "t":
        return this.#integer(64, false);
      case "x":
        return this.#integer(64, true);
      case "d":
        return [0, -0.5, 1e300, Number.POSITIVE_INFINITY, Number.NaN, this.#random.below(1e6) / 7][
          this.#random.below(6)
        ];
      case "s":
      case "o":
      case "g":
        return this.text();
      case "bytes":
        return this.bytes();
      case "body":
        return { signature: this.text(), bytes: this.bytes() };
      case "list":
        return Array.from({ length: this.#random.below(depth > 1 ? 3 : 8) }, () =>
          this.#anyOf(type.element, depth + 1),
        );
      case "struct":
        return type.fields.map((field) => this.#anyOf(field, depth + 1));
    }
  }

  /** Bytes with some bits flipped. */
  flipped(bytes: Uint8Array): Uint8Array {
    const data = bytes.slice();
    for (let flips = 1 + this.#random.below(4); flips > 0 && data.length > 0; flips--) {
      const at = this.#random.below(data.length);
      data[at] = (data[at] ?? 0) ^ (1 << this.#random.below(8));
    }
    return data;
  }

  valuesOf(plan: Plan): Record<string, unknown> {
    return Object.fromEntries(plan.map(({ name, type }) => [name, this.#anyOf(type)]));
  }
}

export function encode(plan: Plan, values: object): Uint8Array {
  const writer = new Writer();
  writer.fields(plan, values);
  return writer.take();
}
