import { expect, test } from "bun:test";
import { emptyBody } from "../../src/base/body.ts";
import { BusConnection } from "../../src/bus/connection.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { startTestBus } from "../../src/bus/test-bus.ts";
import { decodeFirst } from "../../src/bus/unmarshal.ts";
import { bodyOf, Caller, prepare } from "./caller.ts";

const socketOf = (address: string) => address.replace(/^unix:path=([^,]*).*/, "$1");
const busName = "org.freedesktop.DBus";
const ask = (member: string, signature = "", ...values: unknown[]) =>
  prepare({
    destination: busName,
    path: "/org/freedesktop/DBus",
    interface: busName,
    member,
    body: encodeBody(signature, values),
  });

test("each of many calls at once gets its own reply, an error its own text, and signals are heard", async () => {
  await using bus = await startTestBus();
  const caller = await Caller.toBus(socketOf(bus.address));
  const names = Array.from({ length: 400 }, (_, index) => `org.example.Name${index}`);
  const signals: string[] = [];
  caller.onSignal = (message) => {
    if (message.includes("NameOwnerChanged")) signals.push(String(decodeFirst(bodyOf(message, "sss"))));
  };
  await caller.match("type='signal',member='NameOwnerChanged',arg0namespace='org.example'");
  await Promise.all(names.map((name) => caller.call(ask("RequestName", "su", name, 4))));
  expect(signals).toEqual(names);
  const owned = [...names, "org.example.Nobody"].map((name) => caller.call(ask("NameHasOwner", "s", name)));
  const replies = (await Promise.all(owned)).map((reply) => decodeFirst(bodyOf(reply, "b")));
  expect(replies).toEqual([...names.map(() => true), false]);
  await expect(caller.call(ask("GetNameOwner", "s", "org.example.Nobody"))).rejects.toThrow("no such name");
  const pending = caller.call(ask("GetId"));
  caller.close();
  await expect(pending).rejects.toThrow("closed");
});

test("a Ping is answered", async () => {
  await using bus = await startTestBus();
  const caller = await Caller.toBus(socketOf(bus.address));
  await caller.call(ask("RequestName", "su", "org.example.Caller", 4));
  const other = await BusConnection.open(bus.address);
  const ping = { destination: "org.example.Caller", path: "/", interface: "org.freedesktop.DBus.Peer", member: "Ping" };
  expect(await other.call(ping)).toEqual({ body: emptyBody });
  // Its own calls still get their replies.
  expect(decodeFirst(bodyOf(await caller.call(ask("NameHasOwner", "s", "org.example.Caller")), "b"))).toBe(true);
  other.close();
  caller.close();
});
