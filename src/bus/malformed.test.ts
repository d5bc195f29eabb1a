import { afterAll, expect, test } from "bun:test";
import type { Socket } from "node:net";
import { ErrorName } from "../base/failure.ts";
import { BusConnection } from "./connection.ts";
import { encodeBody } from "./marshal.ts";
import { type Message, MessageReader, MessageType } from "./message.ts";
import { startTestBus } from "./test-bus.ts";
import { answering, rawClient, send, testPeer } from "./test-peer.ts";
import { decodeBody } from "./unmarshal.ts";

const bus = await startTestBus();
afterAll(() => bus.kill());

/** A header field of a big-endian message. */
function field(code: number, type: string, value: string | number): Buffer {
  const start = Buffer.from([code, 1, type.charCodeAt(0), 0]);
  const number = Buffer.alloc(4);
  number.writeUInt32BE(typeof value === "number" ? value : value.length);
  if (typeof value === "number") return Buffer.concat([start, number]);
  if (type === "g") return Buffer.concat([start, number.subarray(3), Buffer.from(`${value}\0`)]);
  return Buffer.concat([start, number, Buffer.from(`${value}\0`)]);
}

/** A big-endian message with the body of a file descriptor, which the bus passes on without one. */
function descriptor(type: number, serial: number, fields: readonly Buffer[]): Buffer {
  const all = [...fields, field(8, "g", "h")];
  const last = all.length - 1;
  const padded = all.map((part, index) => (index === last ? part : pad(part)));
  const array = Buffer.concat(padded);
  const fixed = Buffer.alloc(16);
  fixed.set([0x42, type, 0, 1]);
  for (const [index, value] of [4, serial, array.length].entries()) fixed.writeUInt32BE(value, 4 + 4 * index);
  return Buffer.concat([fixed, pad(array), Buffer.alloc(4)]);
}

function pad(part: Buffer): Buffer {
  return Buffer.concat([part, Buffer.alloc(-part.length & 7)]);
}

/** A program on the bus that sends what it likes, and the messages that it gets. */
class Attacker {
  readonly socket: Socket;
  readonly #messages: Message[] = [];
  #wake = () => {};

  constructor(socket: Socket) {
    this.socket = socket;
    const reader = new MessageReader();
    socket.on("data", (chunk: Uint8Array) => {
      reader.push(chunk);
      for (let message = reader.next(); message; message = reader.next()) this.#messages.push(message);
      this.#wake();
    });
    socket.resume();
  }

  async message(wanted: (message: Message) => boolean): Promise<Message> {
    for (;;) {
      const found = this.#messages.find(wanted);
      if (found) return found;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

test("what cannot be understood costs its sender an error, and nobody else anything", async () => {
  const victim = await BusConnection.open(bus.address);
  const heard: string[] = [];
  victim.onSignal(({ member }) => void heard.push(member));
  victim.onCall((call) => call.reply());
  const attacker = new Attacker(await rawClient(bus.address));
  const to = field(6, "s", victim.uniqueName);
  const name = "org.freedesktop.DBus";
  send(attacker.socket, {
    type: MessageType.methodCall,
    path: "/org/freedesktop/DBus",
    interface: name,
    member: "Hello",
    destination: name,
  });
  const hello = await attacker.message(({ replySerial }) => replySerial === 1);
  const path = field(1, "o", "/a");
  const place = [path, field(2, "s", "a.b")];
  attacker.socket.write(descriptor(MessageType.signal, 2, [...place, field(3, "s", "Bad"), to]));
  attacker.socket.write(descriptor(MessageType.methodCall, 3, [...place, field(3, "s", "Bad"), to]));
  const refused = await attacker.message(({ replySerial }) => replySerial === 3);
  expect(refused).toMatchObject({ type: MessageType.error, errorName: ErrorName.InvalidArgs });
  expect(decodeBody(refused.body)).toEqual(["malformed message: file descriptors are not supported"]);

  const destination = String(decodeBody(hello.body)[0]);
  const answer = victim.call({ destination, path: "/a", interface: "a.b", member: "Ask" });
  const { serial } = await attacker.message(({ member }) => member === "Ask");
  attacker.socket.write(descriptor(MessageType.methodReturn, 4, [field(5, "u", serial), to]));
  await expect(answer).rejects.toMatchObject({ errorName: ErrorName.InconsistentMessage });
  expect(heard).not.toContain("Bad");
  await victim.requestName("org.example.Alive");
  victim.close();
  attacker.socket.destroy();
});

test("an answer that is too long fails its call, and the next one comes", async () => {
  const large = encodeBody("ay", [new Uint8Array(31 * 1024 * 1024)]).bytes;
  const connection = await testPeer((socket) => {
    const reader = new MessageReader();
    socket.on("data", (chunk: Uint8Array) => {
      reader.push(chunk);
      for (let call = reader.next(); call; call = reader.next()) {
        const reply = descriptor(MessageType.methodReturn, 1, [field(5, "u", call.serial)]);
        reply.writeUInt32BE(2 * large.length, 4);
        socket.write(reply.subarray(0, -4));
        for (let count = 0; count < 2; count++) socket.write(large);
      }
    });
  });
  const call = { path: "/a", interface: "a.b", member: "C" };
  for (let count = 0; count < 2; count++)
    await expect(connection.call(call)).rejects.toMatchObject({ errorName: ErrorName.LimitsExceeded });
  connection.close();
});

test("an error's name is kept when its text cannot be understood", async () => {
  const body = { signature: "s", bytes: new Uint8Array(3) };
  const connection = await testPeer(
    answering(() => ({ type: MessageType.error, errorName: "org.example.Error.Odd", body })),
  );
  await expect(connection.call({ path: "/a", interface: "a.b", member: "C" })).rejects.toMatchObject({
    errorName: "org.example.Error.Odd",
    message: "malformed message: it ends too early",
  });
  connection.close();
});
