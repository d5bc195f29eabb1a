import { expect, test } from "bun:test";
import type { Socket } from "node:net";
import { FakeClock } from "../base/fake-clock.ts";
import { encodeBody } from "./marshal.ts";
import { MessageReader, MessageType } from "./message.ts";
import { send, testPeer } from "./test-peer.ts";

const mebibyte = 1024 * 1024;
const big = encodeBody("ay", [new Uint8Array(16 * mebibyte)]);

test("who does not read is left when too much waits for too long", async () => {
  const clock = new FakeClock();
  const connection = await testPeer((socket) => void socket.pause(), { clock });
  let reason = "";
  connection.onClose((why) => {
    reason = why;
  });
  const post = () => connection.signal({ path: "/a", interface: "a.b", member: "S", body: big });
  const call = () => connection.call({ path: "/a", interface: "a.b", member: "C", body: big });
  const outcomes = Promise.allSettled([call(), call()]);
  for (let count = 0; count < 3; count++) post();
  clock.advance(999);
  post();
  expect(reason).toBe("");
  clock.advance(1);
  post();
  expect(reason).toBe("the bus does not read what we send");
  expect((await outcomes).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
});

test("who sends much learns that the other side is slow, and that it has caught up", async () => {
  const peer = Promise.withResolvers<Socket>();
  const connection = await testPeer((socket) => {
    socket.pause();
    peer.resolve(socket);
  });
  const told: boolean[] = [];
  const clear = Promise.withResolvers<void>();
  connection.onClogged((clogged) => {
    told.push(clogged);
    if (!clogged) clear.resolve();
  });
  const post = () => connection.signal({ path: "/a", interface: "a.b", member: "S", body: big });
  post();
  expect(told).toEqual([true]);
  post();
  const socket = await peer.promise;
  socket.on("data", () => {});
  socket.resume();
  await clear.promise;
  expect(told).toEqual([true, false]);
  connection.close();
});

test("who reads gets what was sent in one burst, however much, up to a bound", async () => {
  const clock = new FakeClock();
  const all = Promise.withResolvers<void>();
  let left = 6 * 16 * mebibyte;
  const connection = await testPeer(
    (socket) => {
      socket.on("data", (data: Uint8Array) => {
        left -= data.length;
        if (left <= 0) all.resolve();
      });
    },
    { clock },
  );
  const burst = (count: number) => {
    for (let sent = 0; sent < count; sent++)
      connection.signal({ path: "/a", interface: "a.b", member: "S", body: big });
  };
  burst(6);
  await all.promise;
  clock.advance(60_000);
  burst(6);
  expect(await Promise.race([new Promise((resolve) => connection.onClose(resolve)), "open"])).toBe("open");
  burst(64);
  expect(await new Promise((resolve) => connection.onClose(resolve))).toBe("the bus does not read what we send");
});

test("of long replies that nobody reads one has begun to leave, and short ones go past the others", async () => {
  const peer = Promise.withResolvers<Socket>();
  const connection = await testPeer((socket) => {
    socket.pause();
    peer.resolve(socket);
  });
  const socket = await peer.promise;
  const long = encodeBody("ay", [new Uint8Array(100 * 1024)]);
  const done = { Long: Promise.withResolvers<void>(), Short: Promise.withResolvers<void>() };
  let count = 0;
  connection.onCall((incoming) => {
    const { member } = incoming;
    incoming.reply(member === "Long" ? long : undefined);
    if (++count === 4) done.Long.resolve();
    if (member === "Short") done.Short.resolve();
  });
  const call = (serial: number, sender: string, member: string) =>
    send(socket, { type: MessageType.methodCall, serial, sender, path: "/a", member });
  for (let serial = 1; serial <= 4; serial++) call(serial, ":1.1", "Long");
  await done.Long.promise;
  await new Promise(setImmediate);
  call(5, ":1.2", "Short");
  await done.Short.promise;
  const answered: number[] = [];
  const all = Promise.withResolvers<void>();
  const reader = new MessageReader();
  socket.on("data", (chunk: Uint8Array) => {
    reader.push(chunk);
    for (let message = reader.next(); message; message = reader.next()) answered.push(message.replySerial);
    if (answered.length === 5) all.resolve();
  });
  socket.resume();
  await all.promise;
  expect(answered).toEqual([1, 5, 2, 3, 4]);
  connection.close();
});
