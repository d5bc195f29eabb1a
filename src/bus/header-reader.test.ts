import { expect, test } from "bun:test";
import { emptyBody } from "../base/body.ts";
import { describe } from "../base/failure.ts";
import { HeaderReader } from "./header-reader.ts";
import { encodeBody } from "./marshal.ts";
import { encodeHeader, type Message, MessageReader, MessageType } from "./message.ts";

type Sent = Partial<Message> & { type: number; serial: number };

function bytesOf(message: Sent): Uint8Array {
  return new Uint8Array(Buffer.concat([encodeHeader(message), message.body?.bytes ?? new Uint8Array()]));
}

/** What a reader makes of a message, or says against it. */
function read(reader: MessageReader, bytes: Uint8Array): unknown {
  reader.push(bytes);
  try {
    return reader.next();
  } catch (error) {
    return describe(error);
  }
}

const body = encodeBody("sus", ["x", 7, "y"]);
const place = { path: "/org/example/unit/a_2eservice", interface: "org.example.Unit", member: "Changed" };
const signal = { type: MessageType.signal, serial: 1, ...place, sender: ":1.5", body };
const call = { type: MessageType.methodCall, serial: 2, ...place, destination: "org.example", sender: ":1.6", body };
const reply = { type: MessageType.methodReturn, serial: 3, replySerial: 9, sender: "org.example", body };
const bare = { type: MessageType.methodReturn, serial: 4, replySerial: 9 };
const failure = { type: MessageType.error, serial: 5, replySerial: 9, errorName: "org.example.Bad", sender: ":1.7" };

test("a header that differs from one that is known in any byte is read as if none were known", () => {
  for (const message of [signal, call, reply, bare, failure]) {
    const bytes = bytesOf(message);
    const header = encodeHeader(message).length;
    for (let at = 0; at < header; at++) {
      for (const flip of [1, 2, 4, 32, 255]) {
        const changed = bytes.slice();
        changed[at] = (changed[at] as number) ^ flip;
        const knowing = new MessageReader();
        for (let round = 0; round < 2; round++) expect(read(knowing, bytes.slice())).toMatchObject(message);
        expect(read(knowing, changed)).toEqual(read(new MessageReader(), changed));
      }
    }
  }
});

test("of headers that are known the numbers are those of each message", () => {
  const reader = new MessageReader();
  for (let round = 1; round < 2000; round++) {
    const long = encodeBody("su", ["x".repeat(round % 50), round]);
    const numbers = { serial: round * 1_000_003, body: long };
    for (const message of [signal, call]) {
      expect(read(reader, bytesOf({ ...message, ...numbers }))).toMatchObject({ ...message, ...numbers });
    }
    for (const message of [reply, bare, failure]) {
      const replies = { ...message, serial: round, replySerial: round * 2_000_003 };
      expect(read(reader, bytesOf(replies))).toMatchObject(replies);
    }
  }
});

test("headers are read right however many there are, and in whatever order", () => {
  const reader = new MessageReader();
  const all = Array.from({ length: 1000 }, (_, index) => ({
    ...call,
    path: `/org/example/unit/u${index % 10}_2eservice`,
    sender: `:1.${Math.floor(index / 10)}`,
  }));
  for (let round = 0; round < 3; round++)
    for (const message of all) expect(read(reader, bytesOf(message))).toMatchObject(message);
});

test("a reply serial that is no uint32 is that of its own message", () => {
  const reader = new MessageReader();
  for (const serial of [5, 6, 5]) {
    const start = Buffer.from("6c02000100000000010000000500000005017900", "hex");
    expect(read(reader, Uint8Array.of(...start, serial, 0, 0, 0))).toMatchObject({ replySerial: serial });
  }
});

test("a header that crosses into its body is read with that", () => {
  const reader = new MessageReader();
  const header = Buffer.from(encodeHeader({ ...bare, sender: ":1.6" }));
  header[header.indexOf(":1.6") - 4] = 20;
  header[4] = 32;
  for (const letter of ["a", "b", "a"]) {
    const bytes = new Uint8Array(Buffer.concat([header, Buffer.alloc(32, letter)]));
    expect(read(reader, bytes)).toMatchObject({
      trouble: { message: "malformed message: its header crosses into its body" },
    });
    expect(read(reader, bytes)).toEqual(read(new MessageReader(), bytes));
  }
});

test("whether a signal is wanted is asked for each, known or not", () => {
  const reader = new MessageReader();
  let wanted = true;
  reader.wants = (path, member) => wanted && path === signal.path && member === signal.member;
  for (let round = 0; round < 6; round++) {
    wanted = round % 2 === 0;
    expect(read(reader, bytesOf(signal)) !== undefined).toBe(wanted);
  }
});

test("two calls in turn that differ only where nobody looks first are not read again", () => {
  const headers = new HeaderReader();
  const read = (member: string, serial: number) => {
    const bytes = encodeHeader({ ...call, path: "/a", member, serial, body: emptyBody });
    return headers.read(bytes, 0, bytes.length, bytes.length);
  };
  const [start, stop] = [read("StartUnit", 1), read("StopUnit", 2)];
  expect([start.member, stop.member]).toEqual(["StartUnit", "StopUnit"]);
  for (let serial = 3; serial < 9; serial += 2) {
    expect(read("StartUnit", serial)).toBe(start);
    expect(read("StopUnit", serial + 1)).toBe(stop);
  }
});
