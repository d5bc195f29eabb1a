import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ErrorName, Failure } from "../base/failure.ts";
import { FakeClock } from "../base/fake-clock.ts";
import type { MethodCall } from "./calls.ts";
import { BusConnection } from "./connection.ts";
import { encodeBody } from "./marshal.ts";
import { encodeHeader, MessageReader, MessageType } from "./message.ts";
import { startTestBus } from "./test-bus.ts";
import { answering, send, testPeer } from "./test-peer.ts";
import { decodeBody } from "./unmarshal.ts";

const bus = await startTestBus();
afterAll(() => bus.kill());

async function pair(): Promise<[BusConnection, BusConnection]> {
  return [await BusConnection.open(bus.address), await BusConnection.open(bus.address)];
}

const call = (to: BusConnection) => ({ destination: to.uniqueName, path: "/a", interface: "a.b", member: "C" });

test("a call is answered, or refused with name and text as they were given", async () => {
  const [client, server] = await pair();
  server.onCall((incoming) => {
    if (incoming.member === "C") incoming.reply(incoming.body);
    else incoming.error(new Failure("org.example.Error.Odd", "a\0 text"));
  });
  const body = encodeBody("sa{sv}", ["x", new Map([["k", { signature: "t", value: 5n }]])]);
  expect((await client.call({ ...call(server), body })).body).toEqual(body);
  const refused = { errorName: "org.example.Error.Odd", message: "a text" };
  await expect(client.call({ ...call(server), member: "D" })).rejects.toMatchObject(refused);
  await expect(client.call({ ...call(server), destination: "org.example.Nobody" })).rejects.toMatchObject({
    errorName: "org.freedesktop.DBus.Error.ServiceUnknown",
  });
  await expect(client.call({ ...call(server), path: "no path" })).rejects.toThrow("no valid path");
  client.close();
  server.close();
});

test("callers are known, and who wants no reply gets none", async () => {
  const [client, server] = await pair();
  const calls: MethodCall[] = [];
  server.onCall((incoming) => {
    calls.push(incoming);
    incoming.reply();
  });
  await client.call({ ...call(server), noReply: true });
  await client.call(call(server));
  expect(calls.map(({ sender, noReply }) => [sender, noReply])).toEqual([
    [client.uniqueName, true],
    [client.uniqueName, false],
  ]);
  client.close();
  server.close();
});

test("signals come for which there is a rule", async () => {
  const [client, server] = await pair();
  const heard: string[] = [];
  client.onSignal(({ member, body }) => member === "S" && heard.push(String(decodeBody(body)[0])));
  const rule = {
    type: "signal",
    sender: server.uniqueName,
    pathNamespace: "/a",
    interface: "a.b",
    arg0: "it's",
  } as const;
  const send = (path: string, text: string) =>
    server.signal({ path, interface: "a.b", member: "S", body: encodeBody("s", [text]) });
  const settle = () =>
    server.call({
      destination: "org.freedesktop.DBus",
      path: "/",
      interface: "org.freedesktop.DBus.Peer",
      member: "Ping",
    });
  await client.addMatch(rule);
  send("/a/b", "it's");
  send("/a/b", "other");
  send("/b", "it's");
  await settle();
  await client.call({
    ...call(client),
    destination: "org.freedesktop.DBus",
    interface: "org.freedesktop.DBus.Peer",
    member: "Ping",
  });
  expect(heard).toEqual(["it's"]);
  client.close();
  server.close();
});

test("a name is owned by one", async () => {
  const [one, two] = await pair();
  await one.requestName("org.example.Name");
  await one.requestName("org.example.Name");
  await expect(two.requestName("org.example.Name")).rejects.toMatchObject({
    errorName: "org.freedesktop.DBus.Error.AddressInUse",
    message: "the name org.example.Name is already taken on the bus",
  });
  await one.releaseName("org.example.Name");
  await two.requestName("org.example.Name");
  await expect(one.requestName("org.example.Denied")).rejects.toMatchObject({
    errorName: "org.freedesktop.DBus.Error.AccessDenied",
  });
  one.close();
  two.close();
});

test("who leaves the bus is noticed, even before the watch began", async () => {
  const [one, two] = await pair();
  const gone: string[] = [];
  const left = (name: string) =>
    new Promise<void>((resolve) => {
      one.watchName(name, () => {
        gone.push(name);
        resolve();
      });
    });
  const cancelled = one.watchName(two.uniqueName, () => gone.push("cancelled"));
  const leaving = left(two.uniqueName);
  const never = left(":1.99999");
  cancelled.cancel();
  await never;
  two.close();
  await leaving;
  expect(gone).toEqual([":1.99999", two.uniqueName]);
  expect(() => one.watchName("no name", () => {})).toThrow("no bus name");
  one.close();
});

test("a call times out by the clock, and a late reply is dropped", async () => {
  const clock = new FakeClock();
  const client = await BusConnection.open(bus.address, { clock });
  const server = await BusConnection.open(bus.address);
  const late = new Promise<MethodCall>((resolve) => server.onCall(resolve));
  const answer = client.call({ ...call(server), timeoutMs: 3000 });
  const incoming = await late;
  clock.advance(3000);
  await expect(answer).rejects.toMatchObject({ errorName: "org.freedesktop.DBus.Error.Timeout" });
  incoming.reply();
  server.onCall((next) => next.reply());
  await client.call(call(server));
  // The timer that is left finds nothing to do.
  clock.advance(25_000);
  expect(clock.pending).toBe(0);
  client.close();
  server.close();
});

test("a lost bus fails what is pending, and is told once", async () => {
  const own = await startTestBus();
  const client = await BusConnection.open(own.address);
  const server = await BusConnection.open(own.address);
  const reasons: string[] = [];
  const closed = new Promise<void>((resolve) => {
    client.onClose((reason) => {
      reasons.push(reason);
      resolve();
    });
  });
  const called = new Promise((resolve) => server.onCall(resolve));
  const answer = client.call(call(server)).catch((error: Failure) => error.errorName);
  await called;
  await own.kill();
  await closed;
  expect(await answer).toBe("org.freedesktop.DBus.Error.NoReply");
  client.close();
  expect(reasons.length).toBe(1);
  await expect(client.call(call(server))).rejects.toMatchObject({
    errorName: "org.freedesktop.DBus.Error.Disconnected",
  });
  client.signal({ path: "/a", interface: "a.b", member: "S" });
  await expect(BusConnection.open(own.address)).rejects.toThrow(
    /^cannot connect to the bus at .*: no such file or directory$/,
  );
});

test("a peer is no bus: it is not greeted, and has no names", async () => {
  let heard = Buffer.alloc(0);
  const connection = await testPeer((socket) => {
    socket.on("data", (data: Uint8Array) => {
      heard = Buffer.concat([heard, data]);
      if (heard.length >= 16) socket.write(encodeHeader({ type: 2, serial: 1, replySerial: 1 }));
    });
  });
  expect(connection.uniqueName).toBe("");
  await connection.call({ path: "/a", interface: "a.b", member: "First" });
  expect(heard.toString("latin1")).toContain("First");
  connection.close();
});

test("who sends what is no message is left, with a reason", async () => {
  const connection = await testPeer((socket) => void setImmediate(() => socket.write("x".repeat(16))));
  const reason = await new Promise((resolve) => connection.onClose(resolve));
  expect(reason).toBe("malformed message: it has no known byte order");
});

test("a connection that is over tells so to who asks late", async () => {
  const connection = await testPeer(() => {});
  connection.close();
  expect(await new Promise((resolve) => connection.onClose(resolve))).toBe("closed by us");
});

test("a listener that cannot read a signal leaves the others theirs", async () => {
  const body = { signature: "h", bytes: new Uint8Array(4) };
  const connection = await testPeer((socket) =>
    setImmediate(() => send(socket, { type: MessageType.signal, path: "/a", interface: "a.b", member: "S", body })),
  );
  connection.onSignal((signal) => void decodeBody(signal.body));
  expect(await new Promise((resolve) => connection.onSignal(resolve))).toMatchObject({ member: "S", body });
  connection.close();
});

test("a watch that the bus refuses is asked for again, with the next one", async () => {
  let refusals = 1;
  const connection = await testPeer(
    answering(({ member }) => {
      if (member === "NameHasOwner") return { body: encodeBody("b", [false]) };
      return refusals-- > 0 ? { type: MessageType.error, errorName: ErrorName.LimitsExceeded } : {};
    }),
  );
  const gone: string[] = [];
  connection.watchName(":1.1", () => gone.push(":1.1"));
  // The refusal comes before the answer to what is asked next.
  await connection.call({ path: "/a", interface: "a.b", member: "NameHasOwner" });
  await new Promise(setImmediate);
  expect(gone).toEqual([]);
  await new Promise<void>((resolve) => void connection.watchName(":1.2", resolve));
  expect(gone).toEqual([":1.1"]);
  connection.close();
});

/** A bus that answers Hello, once the messages have arrived that go out with the authentication, or takes nobody. */
async function shyBus(takes: boolean, path: string): Promise<{ written: string[]; close(): void }> {
  const begin = "BEGIN\r\n";
  const written: string[] = [];
  const server = createServer((socket) => {
    socket.on("error", () => {});
    let arrived = Buffer.alloc(0);
    socket.on("data", (chunk: Buffer) => {
      arrived = Buffer.concat([arrived, chunk]);
      written.push(chunk.toString("latin1"));
      if (!takes) return void socket.end("REJECTED EXTERNAL\r\n");
      const reader = new MessageReader();
      reader.push(arrived.subarray(arrived.indexOf(begin) + begin.length));
      const [hello, call] = [reader.next(), reader.next()];
      if (!hello || (path.endsWith("early") && !call)) return;
      socket.write("OK 00\r\n");
      send(socket, { type: MessageType.methodReturn, replySerial: hello.serial, body: encodeBody("s", [":1.7"]) });
      if (call) send(socket, { type: MessageType.methodReturn, replySerial: call.serial });
    });
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  return { written, close: () => server.close() };
}

test("Hello goes out together with the authentication", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-hello-"));
  const server = await shyBus(true, join(folder, "bus"));
  const client = await BusConnection.open(`unix:path=${folder}/bus`);
  expect(client.uniqueName).toBe(":1.7");
  expect(server.written[0]).toMatch(/^\0AUTH EXTERNAL [0-9a-f]+\r\nBEGIN\r\n.*Hello/s);
  client.close();
  server.close();
  rmSync(folder, { recursive: true });
});

test("what is called at the beginning goes out before the bus has answered, at each place that is tried", async () => {
  const folder = mkdtempSync(join(tmpdir(), "bluechi-early-"));
  const servers = [await shyBus(false, join(folder, "refusing")), await shyBus(true, join(folder, "early"))];
  const answers: Promise<unknown>[] = [];
  const begin = (connection: BusConnection) => {
    answers.push(connection.call({ destination: "a.b", path: "/a", interface: "a.b", member: "C" }));
  };
  const address = `unix:path=${folder}/refusing;unix:path=${folder}/early`;
  const client = await BusConnection.open(address, { begin });
  expect(client.uniqueName).toBe(":1.7");
  expect(answers).toHaveLength(2);
  await answers[1];
  client.close();
  for (const server of servers) server.close();
  rmSync(folder, { recursive: true });
});
