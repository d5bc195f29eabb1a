import { afterAll, expect, test } from "bun:test";
import type { Call } from "./calls.ts";
import { BusConnection } from "./connection.ts";
import { addressHeader, signalHeader } from "./headers.ts";
import { encodeBody } from "./marshal.ts";
import { MessageReader, MessageType } from "./message.ts";
import { Receivers } from "./receivers.ts";
import { startTestBus } from "./test-bus.ts";
import { rawClient, send } from "./test-peer.ts";
import { decodeBody } from "./unmarshal.ts";

const bus = await startTestBus();
afterAll(() => bus.kill());

const mebibyte = 1024 * 1024;

/** Receivers on a connection that keeps their pings until a test answers them. */
function world() {
  const pings: { call: Call; answer: PromiseWithResolvers<never> }[] = [];
  const bus = { keeps: undefined as number | undefined };
  const receivers = new Receivers({
    async call(call) {
      if (call.member === "GetConnectionStats") {
        if (bus.keeps === undefined) throw new Error("no statistics");
        return { body: encodeBody("a{sv}", [new Map([["OutgoingBytes", { signature: "u", value: bus.keeps }]])]) };
      }
      const answer = Promise.withResolvers<never>();
      pings.push({ call, answer });
      return answer.promise;
    },
  });
  const slow: string[] = [];
  return {
    bus,
    receivers,
    pings,
    slow,
    watch: (name: string) => receivers.watch(name, () => slow.push(name)),
    send: (name: string, mebibytes: number) => {
      for (let sent = 0; sent < mebibytes * 16; sent++) receivers.sent(name, mebibyte / 16);
    },
    /** Answers the oldest ping that waits, by an error: any answer will do. */
    async answer() {
      pings.shift()?.answer.reject(new Error("unknown method"));
      await settled();
    },
  };
}

const settled = () => new Promise(setImmediate);

test("who is sent little is not asked, and who is sent more once at a time", async () => {
  const { pings, watch, send, answer } = world();
  watch(":1.1");
  send(":1.1", 0.9);
  expect(pings).toEqual([]);
  send(":1.1", 10);
  expect(pings.map(({ call }) => [call.destination, call.member, call.timeoutMs])).toEqual([[":1.1", "Ping", 0]]);
  await answer();
  expect(pings).toEqual([]);
  send(":1.1", 0.1);
  expect(pings.length).toBe(1);
});

test("who answers is never slow, however much it is sent", async () => {
  const { slow, watch, send, answer } = world();
  watch(":1.1");
  for (let round = 0; round < 10; round++) {
    send(":1.1", 30);
    await answer();
  }
  expect(slow).toEqual([]);
});

test("who does not answer is slow in the end, once for each who watches it, and it alone", async () => {
  const { slow, watch, send } = world();
  watch(":1.1");
  watch(":1.1");
  watch(":1.2").cancel();
  watch(":1.3");
  send(":1.1", 64);
  send(":1.2", 100);
  send(":1.3", 64);
  await settled();
  expect(slow).toEqual([]);
  send(":1.1", 1);
  // Not from within what is being sent.
  expect(slow).toEqual([]);
  await settled();
  expect(slow).toEqual([":1.1", ":1.1"]);
});

test("who does not answer but reads is not slow, where the bus tells what it keeps", async () => {
  const { bus, slow, watch, send } = world();
  watch(":1.1");
  bus.keeps = 1000;
  for (let round = 0; round < 5; round++) {
    send(":1.1", 65);
    await settled();
  }
  expect(slow).toEqual([]);
  bus.keeps = 66 * mebibyte;
  send(":1.1", 65);
  await settled();
  expect(slow).toEqual([":1.1"]);
});

test("who is not watched any more is not told of, however late that is", async () => {
  const { slow, watch, send } = world();
  const watching = watch(":1.1");
  send(":1.1", 65);
  watching.cancel();
  await settled();
  expect(slow).toEqual([]);
});

test("who has not read keeps that to its charge, until it has", async () => {
  const { slow, watch, send, answer } = world();
  const first = watch(":1.1");
  send(":1.1", 65);
  await settled();
  first.cancel();
  watch(":1.1");
  send(":1.1", 0.1);
  await settled();
  expect(slow).toEqual([":1.1", ":1.1"]);
  await answer();
  watch(":1.1");
  send(":1.1", 0.1);
  await settled();
  expect(slow.length).toBe(2);
});

const driver = {
  destination: "org.freedesktop.DBus",
  path: "/org/freedesktop/DBus",
  interface: "org.freedesktop.DBus",
};

/** A connection that says Hello and then answers nothing. */
async function mute() {
  const socket = await rawClient(bus.address);
  const messages = new MessageReader();
  const name = await new Promise<string>((resolve) => {
    const read = (chunk: Uint8Array) => {
      messages.push(chunk);
      const answer = messages.next();
      if (!answer) return;
      socket.off("data", read);
      resolve(String(decodeBody(answer.body)[0]));
    };
    socket.on("data", read);
    send(socket, { type: MessageType.methodCall, ...driver, member: "Hello" });
  });
  return { name, socket };
}

test("on a bus: who does not read is told of; who reads is not, be it mute", async () => {
  const [sender, reader] = [await BusConnection.open(bus.address), await BusConnection.open(bus.address)];
  const [stuck, silent] = [await mute(), await mute()];
  stuck.socket.pause();
  silent.socket.on("data", () => {});
  const receivers = [silent.name, reader.uniqueName, stuck.name];
  const slow: string[] = [];
  const told = new Promise<void>((resolve) => {
    for (const each of receivers) sender.watchReceiver(each, () => slow.push(each) && resolve());
  });
  const { signature, bytes } = encodeBody("ay", [new Uint8Array(mebibyte)]);
  const header = signalHeader({ path: "/a", interface: "a.b", member: "S", signature });
  const count = 72;
  let heard = 0;
  const all = Promise.withResolvers<void>();
  reader.onSignal(({ member }) => member === "S" && ++heard === count && all.resolve());
  for (let sent = 0; sent < count; sent++) {
    for (const destination of receivers) sender.signalBy(addressHeader(header, destination), bytes, destination);
    // As much as a clogged connection keeps back.
    if (sent % 4 === 3) await sender.call({ ...driver, member: "GetId" });
  }
  await told;
  await all.promise;
  expect(slow).toEqual([stuck.name]);
  for (const each of [sender, reader]) each.close();
  for (const { socket } of [stuck, silent]) socket.destroy();
});
