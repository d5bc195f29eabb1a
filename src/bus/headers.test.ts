import { expect, test } from "bun:test";
import { emptyBody } from "../base/body.ts";
import { addressHeader, CallHeaders, ReplyHeaders, signalHeader, stampHeader } from "./headers.ts";
import { encodeBody } from "./marshal.ts";
import { encodeHeader, MessageReader, MessageType } from "./message.ts";

test("a header that is made once serves receivers with names of any length, and bodies of any", () => {
  const signal = { path: "/a/b", interface: "a.b", member: "Said" };
  const header = signalHeader({ ...signal, signature: "su" });
  const reader = new MessageReader();
  for (let length = 4; length < 20; length++) {
    const destination = `:1.${"5".repeat(length - 3)}`;
    const addressed = addressHeader(header, destination);
    for (const serial of [length, length + 100]) {
      const body = encodeBody("su", ["x".repeat(serial), 7]);
      stampHeader(addressed, serial, body.bytes.length);
      reader.push(addressed.slice());
      reader.push(body.bytes);
      expect(reader.next()).toMatchObject({ type: MessageType.signal, flags: 1, ...signal, serial, destination, body });
    }
  }
  expect(() => addressHeader(header, "no name")).toThrow("'no name' is no valid destination");
  expect(() => stampHeader(header, 1, 2 ** 25)).toThrow("too long");
});

test("headers of replies are those that each would have by itself", () => {
  const headers = new ReplyHeaders();
  const bodies = [emptyBody, encodeBody("u", [1]), encodeBody("as", [["x", "y"]]), encodeBody("as", [[]])];
  let serial = 0;
  for (let round = 0; round < 3; round++) {
    // More callers than are remembered, with names of many lengths, and one peer to peer.
    for (let caller = 0; caller < 300; caller++) {
      const destination = caller === 0 ? "" : `:1.${"7".repeat(caller % 20)}${caller}`;
      for (const body of bodies) {
        const call = 2 ** 32 - ++serial;
        const shape = { type: MessageType.methodReturn, flags: 1, serial, destination, replySerial: call, body };
        expect(headers.get(destination, { serial, call, body })).toEqual(encodeHeader(shape));
      }
    }
  }
  const body = { signature: "ay", bytes: new Uint8Array(2 ** 25) };
  expect(() => headers.get(":1.5", { serial: 1, call: 1, body })).toThrow("too long");
  expect(() => headers.get("no name", { serial: 1, call: 1, body: emptyBody })).toThrow("no valid destination");
});

test("headers of calls are those that each would have by itself", () => {
  const headers = new CallHeaders();
  const common = { destination: "a.b", path: "/a", interface: "a.b", member: "Get", flags: 0, signature: "ss" };
  const others = [
    {},
    { destination: "" },
    { interface: "a.c" },
    { member: "GetAll" },
    { flags: 4 },
    { signature: "" },
    { path: `/${"a".repeat(2000)}` },
  ];
  for (let round = 0; round < 2; round++) {
    // More objects than are remembered.
    for (let object = 0; object < 300; object++) {
      for (const other of [...others, {}]) {
        const called = { ...common, path: `/a${object}`, ...other };
        const body = { ...emptyBody, signature: called.signature };
        const header = encodeHeader({ ...called, type: MessageType.methodCall, serial: 5, body });
        const made = headers.get(called);
        stampHeader(made, 5, 0);
        expect(made).toEqual(header);
      }
    }
  }
  expect(() => headers.get({ ...common, path: "a" })).toThrow("no valid path");
});

test("two calls of an object in turn have a header each, which is not made again", () => {
  const headers = new CallHeaders();
  const common = { destination: "a.b", path: "/a", interface: "a.b", flags: 0, signature: "ss" };
  const of = (member: string) => headers.get({ ...common, member });
  const [start, stop] = [of("Start"), of("Stop")];
  expect([of("Start"), of("Stop"), of("Start")]).toEqual([start, stop, start]);
  expect(of("Start")).toBe(start);
  expect(of("Stop")).toBe(stop);
  of("Reload");
  expect(of("Stop")).toBe(stop);
  expect(of("Start")).not.toBe(start);
});
