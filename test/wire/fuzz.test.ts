import { afterEach, beforeEach, expect, test } from "bun:test";
import { rows } from "../../src/wire/codec.ts";
import { FrameReader } from "../../src/wire/frame.ts";
import { helloPlan, refusePlan, welcomePlan } from "../../src/wire/handshake.ts";
import { type Plan, planOf, type WireType } from "../../src/wire/plan.ts";
import { Random } from "../../src/wire/random.ts";
import { Reader, WireError, zero } from "../../src/wire/reader.ts";
import { Writer } from "../../src/wire/writer.ts";

/** Run again with BLUECHI_SEED=<the seed printed> to see the same failure. */
const seed = Number(process.env.BLUECHI_SEED ?? Math.floor(Math.random() * 2 ** 32));
let random = new Random(seed);
const rounds = 60;
let passed = true;

beforeEach(() => {
  random = new Random(seed);
});

afterEach(() => {
  if (!passed) process.stderr.write(`BLUECHI_SEED=${seed}\n`);
});

/** Runs a test body many times, and prints the seed when one of them fails. */
function fuzz(name: string, run: (plan: Plan, what: string) => void): void {
  test(name, () => {
    passed = false;
    for (let round = 0; round < rounds; round++) for (const [what, plan] of plans) run(plan, what);
    passed = true;
  });
}

/** Types that no row has yet. */
const others = planOf({ a: "a(ssssssouso)", b: "aaay", c: "a(nix(btd))", d: "(ayq)", e: "g", f: "y" });
const plans: [string, Plan][] = [
  ...Object.values(rows).flatMap((row): [string, Plan][] => [
    [row.name, row.fields],
    [`${row.name}'s reply`, row.reply],
  ]),
  ["hello", helloPlan],
  ["welcome", welcomePlan],
  ["refuse", refusePlan],
  ["others", others],
];

function bytes(): Uint8Array {
  return Uint8Array.from({ length: random.below(2) * random.below(300) }, () => random.below(256));
}

function text(): string {
  const alphabet = ["a", "Z", ".", "/", "_", "\n", "ä", "€", "😀", "\u{feff}", "\u0001"];
  return Array.from({ length: random.below(3) * random.below(40) }, () => alphabet[random.below(alphabet.length)]).join(
    "",
  );
}

/** An integer of any length in bits, often at an edge. */
function integer(bits: number, signed: boolean): bigint {
  let value = 0n;
  for (let bit = random.below(bits + 1); bit > 0; bit--) value = value * 2n + BigInt(random.below(8) > 0 ? 1 : 0);
  return signed ? BigInt.asIntN(bits, value) : value;
}

function anyOf(type: WireType, depth = 0): unknown {
  switch (type.code) {
    case "y":
      return Number(integer(8, false));
    case "b":
      return random.below(2) === 1;
    case "q":
      return Number(integer(16, false));
    case "u":
      return Number(integer(32, false));
    case "n":
      return Number(integer(16, true));
    case "i":
      return Number(integer(32, true));
    case "t":
      return integer(64, false);
    case "x":
      return integer(64, true);
    case "d":
      return [0, -0.5, 1e300, Number.POSITIVE_INFINITY, Number.NaN, random.below(1e6) / 7][random.below(6)];
    case "s":
    case "o":
    case "g":
      return text();
    case "bytes":
      return bytes();
    case "body":
      return { signature: text(), bytes: bytes() };
    case "list":
      return Array.from({ length: random.below(depth > 1 ? 3 : 8) }, () => anyOf(type.element, depth + 1));
    case "struct":
      return type.fields.map((field) => anyOf(field, depth + 1));
  }
}

function valuesOf(plan: Plan): Record<string, unknown> {
  return Object.fromEntries(plan.map(({ name, type }) => [name, anyOf(type)]));
}

function encode(plan: Plan, values: object): Uint8Array {
  const writer = new Writer();
  writer.fields(plan, values);
  return writer.take();
}

/** Decodes bytes that may be anything: a result, or a WireError and nothing else. */
function tryDecode(plan: Plan, data: Uint8Array): Record<string, unknown> | undefined {
  try {
    return new Reader(data).fields(plan);
  } catch (thrown) {
    if (thrown instanceof WireError) return undefined;
    throw thrown;
  }
}

fuzz("what is written is read, and extra bytes do not matter", (plan) => {
  const values = valuesOf(plan);
  const data = encode(plan, values);
  expect(new Reader(data).fields(plan)).toEqual(values);
  expect(new Reader(Buffer.concat([data, bytes()])).fields(plan)).toEqual(plan.length === 0 ? {} : values);
});

fuzz("cut at every length: refused, or between two fields, and then the rest is zero", (plan) => {
  const values = valuesOf(plan);
  const data = encode(plan, values);
  const ends = plan.map((_, count) => encode(plan.slice(0, count), values).length);
  const lengths = data.length < 200 ? data.keys() : Array.from({ length: 50 }, () => random.below(data.length));
  for (const length of [...lengths, ...ends]) {
    const decoded = tryDecode(plan, data.subarray(0, length));
    expect(decoded !== undefined).toBe(ends.includes(length) || length === data.length);
    const known = ends.indexOf(length);
    if (known < 0) continue;
    const expected = plan.map(({ name, type }, index) => [name, index < known ? values[name] : zero(type)]);
    expect(decoded).toEqual(Object.fromEntries(expected));
  }
});

fuzz("flipped bits and garbage: refused, or read as something that writes and reads again", (plan) => {
  const data = encode(plan, valuesOf(plan));
  for (let flips = 1 + random.below(4); flips > 0 && data.length > 0; flips--) {
    const at = random.below(data.length);
    data[at] = (data[at] ?? 0) ^ (1 << random.below(8));
  }
  for (const input of [data, bytes()]) {
    const decoded = tryDecode(plan, input);
    if (decoded) expect(new Reader(encode(plan, decoded)).fields(plan)).toEqual(decoded);
  }
});

test("a stream of garbage is frames or an error, however it is cut", () => {
  passed = false;
  for (let round = 0; round < 2000; round++) {
    const stream = Buffer.concat([bytes(), bytes(), bytes()]);
    const outcomes = [stream.length, 1, 1 + random.below(20)].map((size) => {
      const reader = new FrameReader(100_000);
      const frames: string[] = [];
      try {
        for (let at = 0; at < stream.length; at += size) {
          reader.push(Buffer.from(stream.subarray(at, at + size)));
          for (let frame = reader.next(); frame; frame = reader.next()) {
            frames.push(`${frame.type} ${Buffer.from(frame.payload).toString("hex")}`);
          }
        }
      } catch (thrown) {
        if (!(thrown instanceof WireError)) throw thrown;
        frames.push(thrown.message);
      }
      return frames;
    });
    expect(outcomes[1]).toEqual(outcomes[0] as string[]);
    expect(outcomes[2]).toEqual(outcomes[0] as string[]);
  }
  passed = true;
});
