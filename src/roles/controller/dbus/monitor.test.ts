import { expect, test } from "bun:test";
import { Log } from "../../../base/log.ts";
import type { BusConnection } from "../../../bus/connection.ts";
import { stampHeader } from "../../../bus/headers.ts";
import { MessageReader } from "../../../bus/message.ts";
import { ObjectTree } from "../../../bus/serve.ts";
import { decodeBody } from "../../../bus/unmarshal.ts";
import { Monitors } from "../monitors.ts";
import { Subscriptions } from "../subscriptions.ts";
import { MonitorObject } from "./monitor.ts";

/** A monitor of `:1.1` with the peer `:1.2`, on a connection whose receivers fall behind when a test has them. */
function world() {
  const told: string[] = [];
  const slow = new Map<string, () => void>();
  const connection = {
    onCall: () => {},
    signalBy(header: Uint8Array, body: Uint8Array) {
      const reader = new MessageReader();
      stampHeader(header, 1, body.length);
      reader.push(header);
      reader.push(body);
      const message = reader.next();
      if (message) told.push([message.destination, message.member, ...decodeBody(message.body)].join(" "));
    },
    watchName: () => ({ cancel: () => {} }),
    watchReceiver(name: string, fire: () => void) {
      slow.set(name, fire);
      return { cancel: () => slow.delete(name) };
    },
  } as unknown as BusConnection;
  const logged: string[] = [];
  const log = new Log({ target: "journald", write: (line) => logged.push(line.trim()) });
  const tree = new ObjectTree(connection);
  const objects = new Map<unknown, MonitorObject>();
  const monitors: Monitors = new Monitors(new Subscriptions(log), {
    monitorNew: (made) => objects.set(made, new MonitorObject(tree, connection, monitors, made, log)),
    monitorClosed: (closed) => objects.get(closed)?.remove(),
  });
  const monitor = monitors.create(":1.1");
  objects.get(monitor)?.addPeer(":1.2");
  return { monitor, monitors, told, slow, logged };
}

test("a peer that does not read is removed, and told so", () => {
  const { monitor, monitors, told, slow, logged } = world();
  slow.get(":1.2")?.();
  expect(told).toEqual([":1.2 PeerRemoved it does not read what it is sent"]);
  expect(monitor.peers).toEqual([]);
  expect([...slow.keys()]).toEqual([":1.1"]);
  expect(monitors.size).toBe(1);
  expect(logged.join("\n")).toEndWith(
    "Peer ':1.2' of monitor '/org/eclipse/bluechi/monitor/1' is removed: it does not read what it is sent",
  );
});

test("the monitor of an owner that does not read is closed, and all are told so", () => {
  const { monitors, told, slow, logged } = world();
  slow.get(":1.1")?.();
  expect(told).toEqual([":1.1 PeerRemoved it does not read what it is sent", ":1.2 PeerRemoved monitor closed"]);
  expect(slow.size).toBe(0);
  expect(monitors.size).toBe(0);
  expect(logged.join("\n")).toEndWith(
    "Monitor '/org/eclipse/bluechi/monitor/1' of ':1.1' is closed: it does not read what it is sent",
  );
});
