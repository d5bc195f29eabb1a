import { afterAll, expect, test } from "bun:test";
import { systemClock } from "../base/clock.ts";
import { BusConnection, type Call } from "./connection.ts";
import { encodeBody } from "./marshal.ts";
import { MessageReader, MessageType } from "./message.ts";
import { Receivers } from "./receivers.ts";
import { openStream } from "./stream.ts";
import { startTestBus } from "./test-bus.ts";
import { send } from "./test-peer.ts";
import { decodeBody } from "./unmarshal.ts";

const bus = await startTestBus();
afterAll(() => bus.kill());

const mebibyte = 1024 * 1024;

/** Receivers on a connection that keeps their pings until a test answers them. */
function world() {
  const pings: { call: Call; answer: PromiseWithResolvers<never> }[] = [];
  const receivers = new Receivers({
    call(call) {
      const answer = Promise.withResolvers<never>();
      pings.push({ call, answer });
      return answer.promise;
    },
  });
  const slow: string[] = [];
  return {
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

test("who does not read the signals that it is sent is told of, who reads is not", async () => {
  const [sender, reader] = [await BusConnection.open(bus.address), await BusConnection.open(bus.address)];
  const stuck = await openStream(bus.address, systemClock, 25_000);
  const name = new Promise<string>((resolve) => {
    const messages = new MessageReader();
    const read = (chunk: Uint8Array) => {
      messages.push(chunk);
      const hello = messages.next();
      if (!hello) return;
      stuck.off("data", read);
      stuck.pause();
      resolve(String(decodeBody(hello.body)[0]));
    };
    stuck.on("data", read);
  });
  const driver = { path: "/org/freedesktop/DBus", interface: "org.freedesktop.DBus" };
  send(stuck, { type: MessageType.methodCall, destination: "org.freedesktop.DBus", ...driver, member: "Hello" });
  const [one, other] = [await name, reader.uniqueName];
  const slow = new Promise<string>((resolve) => {
    for (const each of [one, other]) sender.watchReceiver(each, () => resolve(each));
  });
  const signal = { path: "/a", interface: "a.b", member: "S", body: encodeBody("ay", [new Uint8Array(mebibyte)]) };
  const count = 66;
  let heard = 0;
  const all = Promise.withResolvers<void>();
  reader.onSignal(({ member }) => member === "S" && ++heard === count && all.resolve());
  for (let sent = 0; sent < count; sent++) {
    for (const destination of [one, other]) sender.signal({ ...signal, destination });
    // As much as a clogged connection keeps back.
    if (sent % 4 === 3) await sender.call({ destination: "org.freedesktop.DBus", ...driver, member: "GetId" });
  }
  expect(await slow).toBe(one);
  await all.promise;
  for (const each of [sender, reader]) each.close();
  stuck.destroy();
});
