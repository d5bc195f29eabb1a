// Our codec against dbus-next's, against bytes that are wrong, and against what a bus takes.
import { afterEach, expect, test } from "bun:test";
import DBusBuffer from "dbus-next/lib/dbus-buffer.js";
import marshall from "dbus-next/lib/marshall.js";
import type { Body } from "../../src/base/body.ts";
import { Failure } from "../../src/base/failure.ts";
import { parseSignature } from "../../src/base/signature.ts";
import { BusConnection } from "../../src/bus/connection.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { encodeHeader, MessageReader } from "../../src/bus/message.ts";
import { startTestBus } from "../../src/bus/test-bus.ts";
import { decodeBody, fromBigEndian, splitArray } from "../../src/bus/unmarshal.ts";
import { validateBody } from "../../src/bus/validate.ts";
import { Random } from "../../src/wire/random.ts";
import { fromDbusNext, toDbusNext, Values } from "./values.ts";

/** Run again with BLUECHI_SEED=<the seed printed> to see the same failure. */
const seed = Number(process.env.BLUECHI_SEED ?? Math.floor(Math.random() * 2 ** 32));
const little = 0x6c;
let passed = true;

afterEach(() => {
  if (!passed) process.stderr.write(`BLUECHI_SEED=${seed}\n`);
});

/** Runs a test body on many bodies made at random. */
function onBodies(name: string, rounds: number, check: (body: Body, values: unknown[], random: Random) => void): void {
  test(name, () => {
    const random = new Random(seed);
    const source = new Values(random);
    passed = false;
    for (let round = 0; round < rounds; round++) {
      const signature = source.signature();
      const values = source.of(signature);
      check(encodeBody(signature, values), values, random);
    }
    passed = true;
  });
}

onBodies("we write the bytes that dbus-next writes", 500, ({ signature, bytes }, values) => {
  const theirs = marshall(
    signature,
    parseSignature(signature).map((type, index) => toDbusNext(type, values[index])),
  );
  expect([signature, Buffer.from(bytes).toString("hex")]).toEqual([signature, theirs.toString("hex")]);
});

onBodies("we read what dbus-next reads", 500, (body, values) => {
  const read = new DBusBuffer(Buffer.from(body.bytes), 0, little).read(body.signature);
  const theirs = parseSignature(body.signature).map((type, index) => fromDbusNext(type, read[index]));
  expect(decodeBody(body)).toEqual(theirs);
  expect(decodeBody(body)).toEqual(values);
});

/** The body of a list of units, in the other byte order. */
function swapped(list: Uint8Array): Uint8Array {
  const bytes = Buffer.from(list);
  let at = 0;
  const uint32 = () => {
    at = (at + 3) & -4;
    const value = bytes.readUInt32LE(at);
    bytes.writeUInt32BE(value, at);
    at += 4;
    return value;
  };
  uint32();
  for (at = 8; at < bytes.length; at = (at + 7) & -8) {
    for (const code of "ssssssouso") {
      const value = uint32();
      if (code !== "u") at += value + 1;
    }
  }
  return bytes;
}

test("lists of units are joined as bytes, into what dbus-next writes of their values", () => {
  const units = "a(ssssssouso)";
  const random = new Random(seed);
  const text = () =>
    Array.from({ length: random.below(40) }, () => "aZ.@ä€🂡"[random.below(7)])
      .join("")
      .toWellFormed();
  const path = () => `/${"x".repeat(1 + random.below(9))}`;
  const unit = () => [text(), text(), text(), text(), text(), text(), path(), random.below(2 ** 31), text(), path()];
  passed = false;
  for (let round = 0; round < 200; round++) {
    const lists = Array.from({ length: random.below(5) }, (_, index): [string, unknown[][]] => [
      `${index}${"n".repeat(random.below(12))}`,
      Array.from({ length: random.below(6) }, unit),
    ]);
    const bodies = lists.map(([name, list]): [string, Body] => [name, encodeBody(units, [list])]);
    const joined = encodeBody(`a{s${units}}`, [new Map(bodies)]);
    validateBody(joined);
    expect(decodeBody(joined)).toEqual([new Map(lists)]);
    const theirs = marshall(
      joined.signature,
      parseSignature(joined.signature).map((type) => toDbusNext(type, new Map(lists))),
    );
    expect(Buffer.from(joined.bytes).toString("hex")).toBe(theirs.toString("hex"));
    for (const [, { bytes }] of bodies) {
      const turned = fromBigEndian({ signature: units, bytes: swapped(bytes) });
      expect(Buffer.compare(turned.bytes, bytes)).toBe(0);
    }
  }
  passed = true;
});

onBodies("what we write is valid, and nothing less or more than that", 500, (body) => {
  validateBody(body);
  for (let length = 0; length < body.bytes.length; length++) {
    const cut = { ...body, bytes: body.bytes.subarray(0, length) };
    expect(() => validateBody(cut)).toThrow(Failure);
    expect(() => decodeBody(cut)).toThrow(Failure);
  }
  const longer = { ...body, bytes: Uint8Array.of(...body.bytes, 0) };
  expect(() => validateBody(longer)).toThrow(Failure);
});

onBodies("an array is a body of its own when it is cut out", 500, (body, values) => {
  for (const [index, type] of parseSignature(body.signature).entries()) {
    if (type.code !== "a") continue;
    const slice = splitArray(body, index).array;
    validateBody(slice);
    expect(decodeBody(slice)).toEqual([values[index]]);
  }
});

onBodies("bytes that are wrong are read as something, or refused", 500, (body, _values, random) => {
  for (let flip = 0; flip < 20; flip++) {
    const flipped = flipBit(body, random);
    const read = attempt(() => decodeBody(flipped));
    if (!attempt(() => validateBody(flipped))) continue;
    // Whatever is valid can be read and written again; not byte for byte, as keys may have become the same.
    validateBody(encodeBody(flipped.signature, read?.result ?? []));
  }
});

onBodies("messages that are wrong are read as something, or refused", 500, (body, _values, random) => {
  const message = { type: 1, serial: 5, path: "/a", interface: "a.b", member: "C", destination: ":1.1", body };
  const bytes = Buffer.concat([encodeHeader(message), body.bytes]);
  const flipped = flipBit({ signature: "", bytes }, random).bytes;
  const reader = new MessageReader();
  reader.push(flipped);
  // One that claims to be longer than it is would wait for the rest.
  attempt(() => reader.next());
  const whole = new MessageReader();
  whole.push(bytes);
  expect(whole.next()).toMatchObject(message);
});

function flipBit(body: Body, random: Random): Body {
  const bytes = Uint8Array.from(body.bytes);
  const at = random.below(bytes.length);
  bytes[at] = (bytes[at] ?? 0) ^ (1 << random.below(8));
  return { ...body, bytes };
}

/** The result of work that may be refused, but must not fail otherwise. */
function attempt<T>(work: () => T): { result: T } | undefined {
  try {
    return { result: work() };
  } catch (error) {
    if (error instanceof Failure) return undefined;
    throw error;
  }
}

function refusalOf(body: Body): string | undefined {
  try {
    validateBody(body);
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error.message;
    throw error;
  }
}

test("a bus takes what we call valid, and cuts off who sends what we do not", async () => {
  passed = false;
  await using bus = await startTestBus();
  const random = new Random(seed);
  const source = new Values(random);
  let connection = await BusConnection.open(bus.address);
  /** Whether the connection lives on after sending a body to itself. */
  const isTaken = async (body: Body): Promise<boolean> => {
    const call = { destination: connection.uniqueName, path: "/", interface: "a.b", member: "C", body };
    const failure = await connection.call(call).catch((error: Failure) => error.errorName);
    const taken = failure === "org.freedesktop.DBus.Error.UnknownObject";
    if (!taken) connection = await BusConnection.open(bus.address);
    return taken;
  };
  for (let round = 0; round < 200; round++) {
    const signature = source.signature();
    const body = flipBit(encodeBody(signature, source.of(signature)), random);
    const refusal = refusalOf(body);
    // Those are valid, and we refuse them because we have none.
    if (refusal === "malformed message: file descriptors are not supported") continue;
    expect([signature, Buffer.from(body.bytes).toString("hex"), await isTaken(body)]).toEqual([
      signature,
      Buffer.from(body.bytes).toString("hex"),
      refusal === undefined,
    ]);
  }
  connection.close();
  passed = true;
});
