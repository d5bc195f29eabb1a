import { afterEach, beforeEach, expect, test } from "bun:test";
import { emptyPlan, faultPlan, rows } from "../../src/wire/codec.ts";
import { compressedPlan } from "../../src/wire/compression.ts";
import { FrameReader, FrameType, headerSize, requestBit } from "../../src/wire/frame.ts";
import type { Plan } from "../../src/wire/plan.ts";
import { Random } from "../../src/wire/random.ts";
import { Reader, WireError, zero } from "../../src/wire/reader.ts";
import type { Side } from "../../src/wire/table.ts";
import { Arbitrary, encode, plans } from "./arbitrary.ts";
import { decoded, frameOf, heard, sides } from "./replay.ts";

/** Run again with BLUECHI_SEED=<the seed printed> to see the same failure. */
const seed = Number(process.env.BLUECHI_SEED ?? Math.floor(Math.random() * 2 ** 32));
let arbitrary = new Arbitrary(new Random(seed));
const rounds = 60;
let passed = true;

beforeEach(() => {
  arbitrary = new Arbitrary(new Random(seed));
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

fuzz("what is written is read, and extra bytes do not matter", (plan) => {
  const values = arbitrary.valuesOf(plan);
  const data = encode(plan, values);
  expect(new Reader(data).fields(plan)).toEqual(values);
  expect(new Reader(Buffer.concat([data, arbitrary.bytes()])).fields(plan)).toEqual(plan.length === 0 ? {} : values);
});

fuzz("cut at every length: refused, or between two fields, and then the rest is zero", (plan) => {
  const values = arbitrary.valuesOf(plan);
  const data = encode(plan, values);
  const ends = plan.map((_, count) => encode(plan.slice(0, count), values).length);
  const lengths = data.length < 200 ? data.keys() : Array.from({ length: 50 }, () => arbitrary.below(data.length));
  for (const length of [...lengths, ...ends]) {
    const cut = data.subarray(0, length);
    const whole = ends.includes(length) || length === data.length;
    if (!whole) expect(decoded(plan, cut)).toStartWith("refused: ");
    const known = ends.indexOf(length);
    if (known < 0) continue;
    const expected = plan.map(({ name, type }, index) => [name, index < known ? values[name] : zero(type)]);
    expect(new Reader(cut).fields(plan)).toEqual(Object.fromEntries(expected));
  }
});

fuzz("flipped bits and garbage: refused, or read as something that writes and reads again", (plan) => {
  decoded(plan, arbitrary.flipped(encode(plan, arbitrary.valuesOf(plan))));
  decoded(plan, arbitrary.bytes());
});

/** A frame in a compressed one, or something like it. */
function compressed(frame: Uint8Array): Uint8Array {
  const payload = frame.subarray(headerSize);
  const content = Bun.zstdCompressSync(payload);
  const size = payload.length + (arbitrary.below(4) > 0 ? 0 : arbitrary.below(2000));
  const fields = { type: frame[3], size, content: arbitrary.below(2) > 0 ? content : arbitrary.flipped(content) };
  return frameOf(FrameType.compressed, undefined, compressedPlan, fields);
}

/** A frame that a side may well send, or something like it. */
function anyFrame(from: Side): Uint8Array {
  const frame = plainFrame(from);
  return arbitrary.below(4) > 0 ? frame : compressed(frame);
}

function plainFrame(from: Side): Uint8Array {
  const ofSide = Object.values(rows).filter((row) => row.from === from);
  const ofPeer = Object.values(rows).filter((row) => row.from !== from && row.kind === "request");
  const row = ofSide[arbitrary.below(ofSide.length)]!;
  const asked = arbitrary.below(ofPeer.length);
  switch (arbitrary.below(8)) {
    case 0:
      return frameOf(FrameType.heartbeat, undefined, emptyPlan, {});
    case 1:
      return frameOf(FrameType.fault, asked + 1, faultPlan, arbitrary.valuesOf(faultPlan));
    case 2:
    case 3: {
      const { reply } = ofPeer[asked]!;
      return frameOf(FrameType.reply, asked + 1, reply, arbitrary.valuesOf(reply));
    }
    case 4:
      return frameOf(arbitrary.below(256), undefined, emptyPlan, {});
    default: {
      const request = row.kind === "request";
      const type = row.id | (request ? requestBit : 0);
      return frameOf(type, request ? arbitrary.below(300) : undefined, row.fields, arbitrary.valuesOf(row.fields));
    }
  }
}

test.each(sides)("whatever comes to a session of the %s, it ends or goes on", async (side) => {
  passed = false;
  const peer = side === "agent" ? "controller" : "agent";
  for (let round = 0; round < 150; round++) {
    const frames = Buffer.concat(Array.from({ length: 1 + arbitrary.below(5) }, () => anyFrame(peer)));
    const data = arbitrary.below(3) > 0 ? arbitrary.flipped(frames) : frames;
    try {
      await heard(side, data);
    } catch (thrown) {
      process.stderr.write(`for corpus.txt: ${side} | ${Buffer.from(data).toString("hex")}\n`);
      throw thrown;
    }
  }
  passed = true;
});

test("a stream of garbage is frames or an error, however it is cut", () => {
  passed = false;
  for (let round = 0; round < 2000; round++) {
    const stream = Buffer.concat([arbitrary.bytes(), arbitrary.bytes(), arbitrary.bytes()]);
    const outcomes = [stream.length, 1, 1 + arbitrary.below(20)].map((size) => {
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
