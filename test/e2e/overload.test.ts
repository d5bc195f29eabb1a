// More events than some can take in: who does not read is cut off and told so, all others miss nothing, and what the
// controller holds stays bounded.
import { afterAll, afterEach, expect } from "bun:test";
import { dirname } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { join } from "../../src/wire/handshake.ts";
import type { Session } from "../../src/wire/session.ts";
import { connect } from "../../src/wire/sockets.ts";
import { testsOn } from "../testbed/host-test.ts";
import { patienceMs } from "../testbed/until.ts";
import { handlersOf } from "../wire/handlers.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"], {
  controller: "HeartbeatInterval=500\nNodeHeartbeatThreshold=3000\n[node crowd]\nAllowed=true",
});
const test = testsOn(cluster.lab);
const { main } = cluster;

/** Far above what the controller needs, in MB, far below what it would hold if it kept all that was told. */
const maxMemory = 200;

afterAll(() => cluster.close());

afterEach(async () => expect(await memory()).toBeLessThan(maxMemory));

const heartbeat = { intervalMs: 500, thresholdMs: 3000 };
const properties = encodeBody("a{sv}", [new Map([["StatusText", { signature: "s", value: "x".repeat(4000) }]])]);
const ratePerSecond = 10_000;
/** Far above what a question to another node takes meanwhile. */
const soonMs = 10_000;
/** Bytes that a crowd has on their way at most, which is less than it is cut off for. */
const maxQueued = 4 * 1024 * 1024;

interface Crowd {
  readonly session: Session<"agent">;
  readonly ended: Promise<string>;
  /** Tells so many events, each of a unit of its own. */
  tell(events: number): void;
  /** Bytes that the controller has not taken yet. */
  queued(): number;
}

/** A node of this process that tells of many units. */
async function crowd(): Promise<Crowd> {
  const leader = (await Bun.file(`${dirname(main.root)}/leader`).text()).trim();
  const ended = Promise.withResolvers<string>();
  const transport = await connect({ kind: "unix", path: `/proc/${leader}/root/run/bluechi/bluechi.sock` });
  const session = await join(transport, {
    node: "crowd",
    version: "1",
    clock: systemClock,
    heartbeat,
    handlers: handlersOf("agent"),
    onClose: ended.resolve,
  });
  let told = 0;
  return {
    session,
    ended: ended.promise,
    queued: () => transport.queuedBytes,
    tell(events) {
      for (let count = 0; count < events; count++) {
        const unit = `u${told++}.service`;
        session.emit("unitPropertiesChanged", { unit, interface: "org.freedesktop.systemd1.Service", properties });
      }
    },
  };
}

/** A program that listens to every unit of the crowd, and counts what it hears. */
async function listener() {
  const program = await Program.on(main);
  const { monitor } = await program.monitor();
  const count = { events: 0, removed: "" };
  program.bus.onSignal(({ member }) => {
    program.clear();
    if (member === "UnitPropertiesChanged") count.events++;
    if (member === "PeerRemoved") count.removed = "PeerRemoved";
  });
  await monitor.call("Subscribe", { node: "crowd", unit: "*" });
  return { program, count };
}

/** The most memory that the controller has ever had resident, in MB. */
async function memory(): Promise<number> {
  const pid = (await main.sh("systemctl show -P MainPID bluechi-controller")).trim();
  return Number(await main.sh(`awk '/^VmHWM:/ { print $2 }' /proc/${pid}/status`)) / 1024;
}

/** Tells events at a rate, or as fast as they are taken, until `done`. @returns how many. */
async function flood({ tell, queued }: Crowd, done: () => boolean): Promise<number> {
  const since = performance.now();
  let told = 0;
  while (!done()) {
    const due = Math.floor(((performance.now() - since) * ratePerSecond) / 1000) - told;
    const room = Math.floor((maxQueued - queued()) / properties.bytes.length);
    const events = Math.max(0, Math.min(due, room));
    tell(events);
    told += events;
    if (performance.now() - since > 2 * patienceMs) throw new Error(`still not, after ${told} events`);
    await Bun.sleep(5);
  }
  return told;
}

/** Asks another node again and again until `done`. @returns how long that took at most, in ms. */
async function slowest(program: Program, done: () => boolean): Promise<number> {
  let most = 0;
  for (; !done(); await Bun.sleep(10)) {
    const asked = performance.now();
    await program.node("pi").call("GetDefaultTarget", {});
    most = Math.max(most, performance.now() - asked);
  }
  return most;
}

test("who does not read is cut off with a reason, who reads misses nothing, and the rest goes on", async () => {
  const { program, count } = await listener();
  const stuck = main.spawn(["bash", "-c", "bluechictl monitor crowd '*' 2>&1; echo exit $?"]);
  await stuck.line("Subscribing");
  const all = await crowd();
  await stuck.line("[crowd] *");
  await main.sh("pkill -STOP -x bluechictl");
  const journal = main.spawn(["journalctl", "-f", "-u", "bluechi-controller", "-o", "cat"]);
  let cut = false;
  const name = /^Monitor '[^']+' of ':[\d.]+' is closed: it does not read what it is sent$/;
  void journal.line(name, 2 * patienceMs).then(() => {
    cut = true;
  });
  const [told, waitedMs] = await Promise.all([flood(all, () => cut), slowest(program, () => cut)]);
  expect(waitedMs).toBeLessThan(soonMs);
  await main.until("all to be heard", () => count.events === told);
  expect(all.session.closed).toBe(false);
  expect(count).toEqual({ events: told, removed: "" });
  await main.sh("pkill -CONT -x bluechictl");
  await stuck.line("The controller has closed the monitor: it does not read what it is sent");
  await stuck.line("exit 1");
  all.session.close("done");
  program.close();
});

/** Does something while the bus of the controller's host stands still. */
async function whileBusStands(work: () => Promise<void>): Promise<void> {
  const bus = (await main.sh("systemctl show -P MainPID dbus")).trim();
  await main.sh(`kill -STOP ${bus}`);
  try {
    await work();
  } finally {
    await main.sh(`kill -CONT ${bus}`);
  }
}

test("a node that floods does not keep the others from being answered", async () => {
  const program = await Program.on(main);
  const { session, queued } = await crowd();
  const until = performance.now() + 2000;
  let told = 0;
  const done = () => told > 20_000 && performance.now() > until;
  const talk = async () => {
    for (; !done(); await Bun.sleep(0)) {
      for (; queued() < maxQueued; told++) session.emit("unitRemoved", { unit: "u.service" });
    }
  };
  const [waitedMs] = await Promise.all([slowest(program, done), talk()]);
  expect(waitedMs).toBeLessThan(soonMs);
  session.close("done");
  program.close();
});

test("while the bus stands still the nodes wait, longer than heartbeats do, and then all is told", async () => {
  const { program, count } = await listener();
  const all = await crowd();
  let told = 0;
  await whileBusStands(async () => {
    const since = performance.now();
    told = await flood(all, () => performance.now() - since > heartbeat.thresholdMs + 1000);
  });
  await main.until("all to be heard", () => count.events === told);
  expect(all.session.closed).toBe(false);
  all.session.close("done");
  program.close();
});

test("a node that has more to say than is waited for is cut off, and comes back", async () => {
  const { program, count } = await listener();
  const { tell, ended, session } = await crowd();
  await whileBusStands(async () => {
    for (let turn = 0; turn < 100 && !session.closed; turn++) {
      tell(1000);
      await Bun.sleep(5);
    }
    expect(await ended).toBe("peer does not read: more than 33554432 bytes are queued");
  });
  const again = await crowd();
  const before = count.events;
  again.tell(1);
  await main.until("it to be heard", () => count.events > before);
  again.session.close("done");
  program.close();
});

test("a bus that hangs does not keep the controller from stopping in time", async () => {
  await whileBusStands(async () => {
    await main.sh("systemctl stop bluechi-controller");
    expect(await main.sh("systemctl show -P Result bluechi-controller")).toBe("success\n");
  });
  await main.sh("systemctl start bluechi-controller");
});
