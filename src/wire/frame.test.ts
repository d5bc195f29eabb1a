import { expect, test } from "bun:test";
import { FrameReader } from "./frame.ts";
import { Random } from "./random.ts";
import { WireError } from "./reader.ts";
import { Writer } from "./writer.ts";

/** Three frames by hand: a heartbeat, an event of five bytes, a goodbye. */
const stream = Buffer.from("00000003" + "05000016" + "0102030405" + "04000006" + "03627965", "hex");
const frames = [
  [3, ""],
  [0x16, "0102030405"],
  [6, "03627965"],
];

function drain(reader: FrameReader): [number, string][] {
  const found: [number, string][] = [];
  for (let frame = reader.next(); frame; frame = reader.next()) {
    found.push([frame.type, Buffer.from(frame.payload).toString("hex")]);
  }
  return found;
}

test("frames come out the same however the stream is cut", () => {
  for (let first = 0; first <= stream.length; first++) {
    for (let second = first; second <= stream.length; second++) {
      const reader = new FrameReader(16);
      const found = [];
      for (const piece of [stream.subarray(0, first), stream.subarray(first, second), stream.subarray(second)]) {
        reader.push(piece);
        found.push(...drain(reader));
      }
      expect(found as unknown).toEqual(frames);
    }
  }
});

test("frames come out the same byte by byte, and when one was left in the reader", () => {
  const reader = new FrameReader(16);
  const found = [];
  for (const byte of stream) {
    reader.push(Uint8Array.of(byte));
    found.push(...drain(reader));
  }
  expect(found as unknown).toEqual(frames);
  reader.push(stream);
  expect(reader.next()?.type).toBe(3);
  reader.push(stream);
  expect(drain(reader).length).toBe(5);
});

test("a whole frame is a view into its chunk", () => {
  const reader = new FrameReader(16);
  reader.push(stream);
  reader.next();
  expect(reader.next()?.payload.buffer).toBe(stream.buffer);
});

test("what a long frame holds stays where it arrived; what others hold is copied", () => {
  const bytesIn = (size: number, cutAt: number): [bytes: Uint8Array, arrived: Uint8Array] => {
    const reader = new FrameReader(2 ** 20);
    const writer = new Writer();
    writer.value({ code: "bytes" }, new Uint8Array(size).fill(7));
    const payload = writer.take();
    const header = new Uint8Array(new Uint32Array([payload.length | (4 << 24)]).buffer);
    const arrived = new Uint8Array([...header, ...payload]);
    const pieces = cutAt === 0 ? [arrived] : [arrived.slice(0, cutAt), arrived.slice(cutAt)];
    const [frame] = pieces
      .map((piece) => {
        reader.push(piece);
        return reader.next();
      })
      .reverse();
    const bytes = frame?.reader().value({ code: "bytes" }) as Uint8Array;
    // What arrives next is put elsewhere.
    for (const piece of [arrived.slice(0, 50).fill(0, 4), new Uint8Array(100)]) {
      reader.push(piece);
      reader.next();
    }
    expect(bytes).toEqual(new Uint8Array(size).fill(7));
    return [bytes, arrived];
  };
  for (const cutAt of [0, 10, 40_000]) {
    const [short, chunk] = bytesIn(60_000, cutAt);
    expect(short.buffer).not.toBe(chunk.buffer);
    expect(short.buffer.byteLength).toBe(60_000);
    const [long, arrived] = bytesIn(100_000, cutAt);
    expect(long.buffer === arrived.buffer).toBe(cutAt === 0);
    expect(long.buffer.byteLength).toBeGreaterThan(100_000);
  }
});

test("a frame may be as large as the limit; a larger one is refused by its header", () => {
  const reader = new FrameReader(4096);
  reader.push(Buffer.concat([Buffer.from("00100011", "hex"), Buffer.alloc(4096)]));
  expect(reader.next()?.payload.length).toBe(4096);
  reader.push(Buffer.from("01100011", "hex"));
  expect(() => reader.next()).toThrow(WireError);
});

test("memory grows with what arrives, not with what is announced, and is given back", () => {
  const reader = new FrameReader(2 ** 24 - 1);
  reader.push(Buffer.from("ffffff11", "hex"));
  expect(reader.next()).toBeUndefined();
  expect(reader.held).toBeLessThan(1024);
  let arrived = 0;
  const random = new Random(7);
  while (arrived < 2 ** 24 - 1) {
    const size = Math.min(1 + random.below(100_000), 2 ** 24 - 1 - arrived);
    reader.push(new Uint8Array(size));
    arrived += size;
    const frame = reader.next();
    expect(frame !== undefined).toBe(arrived === 2 ** 24 - 1);
    expect(reader.held).toBeLessThanOrEqual(Math.min(2 ** 24 + 3, 2 * arrived + 256) + 100_000);
  }
  expect(reader.next()).toBeUndefined();
  expect(reader.held).toBe(0);
});
