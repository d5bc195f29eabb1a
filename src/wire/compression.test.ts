import { expect, test } from "bun:test";
import { Compression, compressedPlan, maxRatio } from "./compression.ts";
import { type Frame, FrameType, requestBit } from "./frame.ts";
import { Random } from "./random.ts";
import { WireError } from "./reader.ts";
import { Writer } from "./writer.ts";
import { headed, headOf } from "./zstd-frame.ts";

const limit = 2 ** 24 - 1;

const compress = (type: number, payload: Uint8Array, by = new Compression()) =>
  by.compress(type, payload) as { type: number; size: number; content: Uint8Array } | undefined;
const decompress = (frame: { payload: Uint8Array }, frameLimit: number, by = new Compression()): Frame =>
  by.decompress(frame, frameLimit);

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

/** A payload with a serial in front, as a reply has it. */
function reply(serial: number, rest: Uint8Array): Uint8Array {
  const writer = new Writer();
  writer.varint(serial);
  return Buffer.concat([writer.take(), rest]);
}

test("what is sent again is the same, whatever serial is in front of what", () => {
  const [near, far] = [new Compression(), new Compression()];
  const lists = [list(600), list(600), list(600, new Random(2)), list(601), list(600), list(20_000), list(600)];
  for (const rest of lists) {
    for (const serial of [1, 1, 5, 127, 128, 300, 16_384, 2 ** 32 - 1, 2]) {
      for (const type of [FrameType.reply, FrameType.fault, requestBit | 48, 66]) {
        const payload = reply(serial, rest);
        const fields = compress(type, payload, near);
        expect(fields?.content.length).toBeLessThan(payload.length / 4);
        const frame = decompress(folded(fields ?? {}), limit, far);
        expect(frame.type).toBe(type);
        expect(Buffer.compare(frame.payload, payload)).toBe(0);
      }
    }
  }
});

test("what comes again behind another serial is in the same memory, and what was read there stays as it is", () => {
  const [near, far] = [new Compression(), new Compression()];
  const unfolded = (payload: Uint8Array, type: number = FrameType.reply) =>
    decompress(folded(compress(type, payload, near) ?? {}), limit, far).payload;
  const once = unfolded(reply(2, list(600)));
  const first = unfolded(reply(3, list(600)));
  const rest = first.subarray(1);
  expect(first.buffer === once.buffer).toBe(false);
  expect(unfolded(reply(4, list(600))).buffer === first.buffer).toBe(true);
  expect(unfolded(reply(127, list(600)), requestBit | 48).buffer === first.buffer).toBe(true);
  expect(unfolded(reply(128, list(600))).buffer === first.buffer).toBe(false);
  expect(unfolded(reply(5, list(600, new Random(2)))).buffer === first.buffer).toBe(false);
  expect(Buffer.compare(rest, list(600))).toBe(0);
  // What has changed comes twice before it is kept.
  expect(unfolded(reply(5, list(600))).buffer === unfolded(reply(6, list(600))).buffer).toBe(false);
  // An event begins with what somebody may have a view of.
  const events = [3, 4, 5].map((serial) => unfolded(reply(serial, list(600)), 66).buffer);
  expect(new Set(events).size).toBe(3);
  expect(events.includes(unfolded(reply(4, list(600))).buffer)).toBe(false);
});

test("no more than a serial is written over in what has been unfolded", () => {
  const far = new Compression();
  const unfolded = (head: Uint8Array, rest = list(600)) => {
    const content = headed(head, zstd(rest), rest.length);
    const size = head.length + rest.length;
    return decompress(folded({ type: FrameType.reply, size, content }), limit, far).payload;
  };
  const [, first] = [1, 2].map(() => unfolded(Buffer.from("0102030405", "hex")));
  expect(unfolded(Buffer.from("0106070809", "hex")).buffer === first?.buffer).toBe(false);
  expect(Buffer.from(first?.subarray(0, 5) ?? []).toString("hex")).toBe("0102030405");
  const [, second] = [1, 2].map(() => unfolded(Buffer.from("8001", "hex")));
  expect(unfolded(Buffer.from("8002", "hex")).buffer === second?.buffer).toBe(true);
});

test("each byte of what comes again is looked at", () => {
  const [near, far] = [new Compression(), new Compression()];
  const payload = reply(3, list(600));
  const fields = compress(FrameType.reply, payload, near);
  const { content = payload } = fields ?? {};
  for (let at = 0; at < content.length; at += at < 20 ? 1 : 41) {
    for (let times = 0; times < 2; times++) decompress(folded(fields ?? {}), limit, far);
    const other = new Uint8Array(content);
    other[at] = (other[at] ?? 0) ^ 4;
    const received = () => decompress(folded({ ...fields, content: other }), limit, far).payload;
    const anew = () => decompress(folded({ ...fields, content: other }), limit).payload;
    let expected: Uint8Array | undefined;
    try {
      expected = anew();
    } catch {
      expect(received).toThrow("do not unfold");
    }
    if (expected) expect(Buffer.compare(received(), expected), `byte ${at}`).toBe(0);
  }
});

test("no more is kept of many links than so much", () => {
  const near = new Compression();
  const fields = compress(FrameType.reply, reply(3, list(20_000)), near);
  const links = Array.from({ length: 20 }, () => new Compression());
  const unfolded = (link: Compression | undefined) => decompress(folded(fields ?? {}), limit, link).payload.buffer;
  links.map(unfolded);
  const [first] = links.map(unfolded);
  const [again, andAgain] = [links.at(-1), links.at(-1)].map(unfolded);
  expect(again === andAgain).toBe(true);
  expect(unfolded(links[0]) === first).toBe(false);
});

test("what is in front of other blocks is found there, and nothing else is", () => {
  const rest = list(600);
  for (const head of [Buffer.from([1]), Buffer.from("ffffffff0f", "hex"), Buffer.alloc(31)]) {
    const frame = headed(head, zstd(rest), rest.length);
    expect(Buffer.compare(headOf(frame), head)).toBe(0);
    expect(Buffer.compare(Bun.zstdDecompressSync(frame), Buffer.concat([head, rest]))).toBe(0);
  }
  expect(headOf(zstd(rest)).length).toBe(0);
  expect(headOf(handMade("a040000000")).length).toBe(0);
  expect(headOf(new Uint8Array(3)).length).toBe(0);
});
