import { expect, test } from "bun:test";
import { Pieces } from "./pieces.ts";

const kibibyte = 1024;
const long = 100 * kibibyte;
const small = 10;

/** Puts messages, each named by a letter: its size in bytes, and who gets it if it is a reply. @returns the letters as they leave. */
function leaving(messages: readonly [letter: string, size: number, replyTo?: string][]): string {
  const pieces = new Pieces();
  for (const [letter, size, replyTo] of messages)
    pieces.put(Buffer.from(letter), Buffer.alloc(size - 1, letter), replyTo);
  return order(pieces);
}

function order(pieces: Pieces): string {
  let all = "";
  for (let bytes = pieces.take(); bytes; bytes = pieces.take()) all += Buffer.from(bytes).toString();
  return all.replace(/(.)\1*/g, "$1");
}

const cases: [what: string, messages: Parameters<typeof leaving>[0], order: string][] = [
  [
    "short replies go past long ones, in order",
    [
      ["A", long, ":1"],
      ["B", long, ":2"],
      ["c", small, ":3"],
      ["d", small, ":4"],
    ],
    "cdAB",
  ],
  [
    "replies to one receiver stay in order",
    [
      ["A", long, ":1"],
      ["B", long, ":2"],
      ["c", small, ":1"],
      ["d", small, ":1"],
    ],
    "AcdB",
  ],
  [
    "peer to peer there is one receiver",
    [
      ["A", long, ""],
      ["b", small, ""],
    ],
    "Ab",
  ],
  [
    "nothing passes a signal, and a signal passes nothing",
    [
      ["A", long, ":1"],
      ["s", small],
      ["B", long, ":2"],
      ["c", small, ":3"],
      ["t", small],
      ["d", small, ":3"],
    ],
    "AscBtd",
  ],
  [
    "a long signal is not passed",
    [
      ["S", 400 * kibibyte],
      ["b", small, ":3"],
    ],
    "Sb",
  ],
  [
    "long replies stay in order",
    [
      ["A", long, ":1"],
      ["B", long, ":2"],
      ["C", 400 * kibibyte, ":1"],
      ["d", small, ":3"],
    ],
    "dABC",
  ],
];
for (const [what, messages, expected] of cases) test(what, () => expect(leaving(messages)).toBe(expected));

test("a long reply is passed by no more bytes than it has", () => {
  const pieces = new Pieces();
  pieces.put(Buffer.from("A"), Buffer.alloc(long - 1, "A"), ":1");
  for (let put = 0; put < long / kibibyte; put++) pieces.put(Buffer.from("b"), Buffer.alloc(kibibyte - 1, "b"), ":2");
  pieces.put(Buffer.from("c"), Buffer.alloc(small, "c"), ":3");
  expect(order(pieces)).toBe("bAc");
});

test("a body of some length is written without a copy", () => {
  const pieces = new Pieces();
  const [header, body] = [Buffer.from("A"), Buffer.alloc(400 * kibibyte, "A")];
  pieces.put(header, body, ":1");
  expect(pieces.long).toBe(1);
  expect(pieces.take()).toEqual(new Uint8Array(header));
  expect(pieces.long).toBe(0);
  expect(pieces.take()).toBe(body);
  expect(pieces.take()).toBeUndefined();
});

test("what is short leaves together, up to a bound", () => {
  const pieces = new Pieces();
  for (let put = 0; put < 300; put++) pieces.put(Buffer.from("s"), Buffer.alloc(kibibyte, "s"));
  const sizes: number[] = [];
  for (let bytes = pieces.take(); bytes; bytes = pieces.take()) sizes.push(Math.floor(bytes.length / kibibyte));
  expect(sizes).toEqual([255, 45]);
});

test("whatever is put and taken in between, all leaves as it was put", () => {
  const pieces = new Pieces();
  const header = Buffer.alloc(16);
  const [put, left]: [Buffer[], Buffer[]] = [[], []];
  let seed = 1;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  const take = () => left.push(Buffer.from(pieces.take() ?? []));
  for (let count = 0; count < 20_000; count++) {
    header.fill(count % 256);
    // Now and then so much that there is no room, and messages that are larger than one.
    const body = Buffer.alloc(random(random(500) === 0 ? 400 * kibibyte : 2 * kibibyte), random(256));
    pieces.put(header, body);
    put.push(Buffer.concat([header, body]));
    if (random(count % 5000 < 3000 ? 400 : 20) === 0) take();
  }
  do take();
  while (left.at(-1)?.length);
  expect(Buffer.concat(left).equals(Buffer.concat(put))).toBe(true);
});
