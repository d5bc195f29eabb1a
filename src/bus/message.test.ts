import { expect, test } from "bun:test";
import { encodeBody } from "./marshal.ts";
import { encodeHeader, type Message, MessageReader, MessageType } from "./message.ts";

/** A whole message. */
function bytesOf(message: Partial<Message> & { type: number; serial: number }): Uint8Array {
  return Buffer.concat([encodeHeader(message), message.body?.bytes ?? new Uint8Array()]);
}

const call = {
  type: MessageType.methodCall,
  flags: 2,
  serial: 4294967295,
  path: "/a/b",
  interface: "a.b",
  member: "C",
  destination: ":1.5",
  body: encodeBody("su", ["x", 7]),
};
const reply = { type: MessageType.methodReturn, serial: 2, replySerial: 9, sender: "org.example" };

test("messages are read as they were written, however they arrive", () => {
  const bytes = Buffer.concat([bytesOf(call), bytesOf(reply), bytesOf(call)]);
  for (const size of [1, 7, 16, 100, bytes.length]) {
    const reader = new MessageReader();
    const read: Message[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      for (let message = reader.next(); message; message = reader.next()) read.push(message);
    }
    expect(read).toMatchObject([call, reply, call]);
    expect(read[1]).toMatchObject({ path: "", body: { signature: "" }, replySerial: 9 });
  }
});

test("a body keeps no more memory than twice its own", () => {
  const long = { ...reply, body: encodeBody("ay", [new Uint8Array(100_000)]) };
  for (const messages of [[call, long, call], Array<typeof long>(10).fill(long)]) {
    const reader = new MessageReader();
    reader.push(new Uint8Array(Buffer.concat(messages.map(bytesOf))));
    for (const { body } of messages) {
      const read = reader.next()?.body.bytes as Uint8Array;
      expect(read).toEqual(body.bytes);
      expect(read.buffer.byteLength).toBeLessThan(2 * read.length);
    }
  }
});

test("a big-endian message has a body like all others", () => {
  const header = "42 02 00 01 00000004 00000001 0000000f 05 01 75 00 00000009 08 01 67 00 01 75 00 00";
  const reader = new MessageReader();
  reader.push(Buffer.from(`${header}00000007`.replaceAll(" ", ""), "hex"));
  expect(reader.next()).toMatchObject({ type: 2, serial: 1, replySerial: 9, body: encodeBody("u", [7]) });
});

test("a signal that is not wanted is passed over by its path and member, all else is read", () => {
  const reader = new MessageReader();
  const asked: string[] = [];
  reader.wants = (path, member) => {
    asked.push(`${path} ${member}`);
    return member === "Said";
  };
  const said = { type: MessageType.signal, serial: 1, path: "/a/bc", interface: "a.b", member: "Said", sender: ":1.5" };
  const other = { ...said, path: "/a/other", member: "Other", body: encodeBody("s", ["x"]) };
  // Its only field is a member: without a path it is not judged.
  const bare = Buffer.from("6c04000100000000010000000a0000000301730001000000430000000000", "hex");
  const bytes = Buffer.concat([other, call, said, other, other, reply, other].map(bytesOf));
  for (const size of [1, 7, 100, bytes.length]) {
    const read: Message[] = [];
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      for (let message = reader.next(); message; message = reader.next()) read.push(message);
    }
    expect(read).toMatchObject([call, said, reply]);
  }
  expect([...new Set(asked)]).toEqual(["/a/other Other", "/a/bc Said"]);
  reader.push(Buffer.concat([bare, new Uint8Array(2), bytesOf(reply)]));
  expect(reader.next()).toMatchObject({ type: MessageType.signal, member: "C" });
  expect(reader.next()).toMatchObject(reply);
});

test("fields of the future are passed over", () => {
  // The field 200 holds a variant of type a(si).
  const field = "c8 05 61 28 73 69 29 00 00000000 00000000";
  const header = `6c 04 00 01 00000000 01000000 10000000 ${field}`;
  const reader = new MessageReader();
  reader.push(Buffer.from(header.replaceAll(" ", ""), "hex"));
  expect(reader.next()).toMatchObject({ type: 4, serial: 1 });
});

test("what is no message is refused at its header", () => {
  const refusal = (hex: string) => () => {
    const reader = new MessageReader();
    reader.push(Buffer.from(hex.replaceAll(" ", ""), "hex"));
    reader.next();
  };
  expect(refusal("47 45 54 20 2f 20 48 54 54 50 2f 31 2e 31 0d 0a")).toThrow("byte order");
  expect(refusal("6c 01 00 02 00000000 01000000 00000000")).toThrow("protocol version");
  expect(refusal("6c 01 00 01 01000008 01000000 00000000")).toThrow("longer than 128 MiB");
  expect(refusal("6c 01 00 01 00000000 01000000 ffffffff")).toThrow("longer than 128 MiB");
});

test("what cannot be understood inside of a message leaves the next one whole", () => {
  const trouble = (hex: string) => {
    const reader = new MessageReader();
    reader.push(Buffer.concat([Buffer.from(hex.replaceAll(" ", ""), "hex"), bytesOf(reply)]));
    const message = reader.next();
    expect(reader.next()).toMatchObject(reply);
    return [message?.serial, message?.body, message?.trouble?.message];
  };
  const body = encodeBody("", []);
  // A field that ends too early, one with a file descriptor, and a big-endian body of one.
  expect(trouble("6c 01 00 01 00000000 01000000 08000000 0101730000000000")).toEqual([
    1,
    body,
    "malformed message: it ends too early",
  ]);
  const descriptors = [1, body, "malformed message: file descriptors are not supported"];
  expect(trouble("6c 04 00 01 00000000 01000000 08000000 c801680000000000")).toEqual(descriptors);
  expect(trouble("42 04 00 01 00000004 00000001 00000007 0801670001680000 00000000")).toEqual(descriptors);
});

test("of a message that is too long the header is read, and nothing is kept", () => {
  const body = { signature: "ay", bytes: new Uint8Array(40 * 1024 * 1024) };
  const sample = encodeHeader({ ...reply, body: { ...body, bytes: body.bytes.subarray(0, 8) } });
  new DataView(sample.buffer, sample.byteOffset).setUint32(4, body.bytes.length, true);
  const bytes = Buffer.concat([sample, body.bytes, bytesOf(call)]);
  for (const size of [100_000, 1024 * 1024, bytes.length]) {
    const reader = new MessageReader();
    const read: [at: number, message: Message][] = [];
    for (let at = 0; at < bytes.length; at += size) {
      reader.push(bytes.subarray(at, at + size));
      for (let message = reader.next(); message; message = reader.next()) read.push([at, message]);
    }
    expect(read).toMatchObject([
      [0, { ...reply, body: { signature: "" } }],
      [expect.anything(), call],
    ]);
    expect(read[0]?.[1].trouble?.message).toBe("a message is longer than 32 MiB");
  }
});

test("names that would cost us the connection are not sent", () => {
  expect(() => encodeHeader({ ...call, path: "a" })).toThrow("no valid path");
  expect(() => encodeHeader({ ...call, interface: "a" })).toThrow("no valid interface");
  expect(() => encodeHeader({ ...call, member: "a.b" })).toThrow("no valid member");
  expect(() => encodeHeader({ ...call, destination: "x y" })).toThrow("no valid destination");
  const body = { signature: "ay", bytes: new Uint8Array(32 * 1024 * 1024) };
  expect(() => encodeHeader({ ...call, body })).toThrow("too long");
});
