import { expect, test } from "bun:test";
import { compress, compressedPlan, decompress, maxRatio } from "./compression.ts";
import { FrameType } from "./frame.ts";
import { Random } from "./random.ts";
import { WireError } from "./reader.ts";
import { Writer } from "./writer.ts";

const limit = 2 ** 24 - 1;

/** A payload like a list of units: much of it comes again. */
function list(units: number, random = new Random(1)): Uint8Array {
  const lines = Array.from({ length: units }, (_, index) => `many@${index}.target loaded active ${random.below(1000)}`);
  return Buffer.from(lines.join("\n"));
}

function folded(fields: object): { type: number; payload: Uint8Array } {
  const writer = new Writer();
  writer.fields(compressedPlan, fields);
  return { type: FrameType.compressed, payload: writer.take() };
}

const zstd = (bytes: Uint8Array) => Bun.zstdCompressSync(bytes, { level: 1 });

test("a long payload becomes a frame of few bytes, and is the same again", () => {
  for (const units of [600, 5000, 100_000]) {
    const payload = list(units);
    const frame = folded(compress(FrameType.reply, payload) ?? {});
    expect(frame.payload.length).toBeLessThan(payload.length / 4);
    const { type, payload: again } = decompress(frame, limit);
    expect(type).toBe(FrameType.reply);
    expect(Buffer.compare(again, payload)).toBe(0);
  }
});

test("what is short, at random, or would unfold to too much is not compressed", () => {
  const random = new Random(1);
  expect(compress(FrameType.reply, list(300).subarray(0, 14_000))).toBeUndefined();
  const noise = Uint8Array.from({ length: 20_000 }, () => random.below(256));
  expect(compress(FrameType.reply, noise)).toBeUndefined();
  expect(compress(FrameType.reply, new Uint8Array(20_000))).toBeUndefined();
});

test("no more is unfolded than there may be", () => {
  const payload = list(600);
  const content = zstd(payload);
  const size = payload.length;
  const bomb = zstd(new Uint8Array(2 ** 24));
  const refused: [fields: object, frameLimit: number, reason: string][] = [
    [{ type: 4, size, content }, size - 1, `a frame of ${size} bytes`],
    [{ type: 4, size: bomb.length * maxRatio + 1, content: bomb }, limit, "that unfold to"],
    [{ type: 4, size: bomb.length * maxRatio, content: bomb }, limit, "do not unfold"],
    [{ type: 4, size: 1000, content: Buffer.concat([zstd(new Uint8Array(1000)), bomb]) }, limit, "do not unfold"],
    [{ type: 4, size: size - 1, content }, limit, "do not unfold"],
    [{ type: 4, size: size + 1, content }, limit, "do not unfold"],
    [{ type: 4, size, content: content.subarray(0, -1) }, limit, "do not unfold"],
    [{ type: 4, size: 0, content: new Uint8Array(0) }, limit, "do not unfold"],
    [{ type: 4, size: 10, content: Buffer.from("no zstd at all") }, limit, "do not unfold"],
    [{ type: FrameType.compressed, size, content }, limit, "in a compressed frame"],
  ];
  for (const [fields, frameLimit, reason] of refused) {
    expect(() => decompress(folded(fields), frameLimit), reason).toThrow(WireError);
    expect(() => decompress(folded(fields), frameLimit), reason).toThrow(reason);
  }
});

/** A zstd frame (RFC 8878, 3.1.1) of 64 bytes, by what it has in front of its one raw block. */
function handMade(header: string, block = "010200"): Uint8Array {
  return Buffer.concat([Buffer.from(`28b52ffd${header}${block}`, "hex"), new Uint8Array(64).fill(7)]);
}

test("only a zstd frame that says to what it unfolds is taken", () => {
  const unfolded = (content: Uint8Array, size = 64) => decompress(folded({ type: 4, size, content }), limit).payload;
  const refused = "do not unfold";
  expect(unfolded(handMade("a040000000"))).toEqual(Buffer.alloc(64, 7));
  expect(unfolded(handMade("805840000000"))).toEqual(Buffer.alloc(64, 7));
  expect(() => unfolded(handMade("0058")), "no content size").toThrow(refused);
  expect(() => unfolded(handMade("2040")), "its content size in one byte").toThrow(refused);
  expect(() => unfolded(handMade("e04000000000000000")), "its content size in eight bytes").toThrow(refused);
  expect(() => unfolded(handMade("a440000000")), "a checksum").toThrow(refused);
  expect(() => unfolded(handMade("a10140000000")), "a dictionary").toThrow(refused);
  expect(() => unfolded(handMade("a040000000", "000200")), "no last block").toThrow(refused);
  expect(() => unfolded(handMade("a041000000"), 65), "less than it says").toThrow(refused);
  expect(() => unfolded(handMade("a03f000000"), 63), "more than it says").toThrow(refused);
});

test("blocks that unfold to more than their frame says take no memory", () => {
  // Each of these blocks is 128 KiB of one byte; all of them would be 2 GiB.
  const block = Buffer.from("02001007", "hex");
  const blocks = Buffer.concat([...Array(16_000).fill(block), Buffer.from("03001007", "hex")]);
  const content = Buffer.concat([Buffer.from("28b52ffda0e8030000", "hex"), blocks]);
  const before = process.memoryUsage.rss();
  expect(() => decompress(folded({ type: 4, size: 1000, content }), limit)).toThrow("do not unfold");
  expect(process.memoryUsage.rss() - before).toBeLessThan(100 * 2 ** 20);
});
