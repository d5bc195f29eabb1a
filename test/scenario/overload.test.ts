// More than anybody can take in: what is held back stays bounded, and the picture is right again afterwards.
import { expect, test } from "bun:test";
import { encodeBody } from "../../src/bus/marshal.ts";
import type { Subscriber } from "../../src/roles/controller/subscriptions.ts";
import { Picture } from "./recorder.ts";
import { World } from "./world.ts";

const properties = encodeBody("a{sv}", [new Map([["X", { signature: "s", value: "x".repeat(64 * 1024) }]])]);
const noProperties = encodeBody("a{sv}", [new Map()]);
const states = ["active", "inactive"];
/** More than the network and an agent hold together, in events of this size. */
const tooMany = 700;

/** Lets time pass slowly: a session hands out no more than some frames in a turn of the loop. */
async function busy(world: World, ms: number): Promise<void> {
  for (let passed = 0; passed < ms; passed++) {
    await world.run(1);
    for (let turns = 0; turns < 4; turns++) await new Promise(setImmediate);
  }
}

test("ten thousand events a second are told one by one, and nothing piles up", async () => {
  const seconds = 5;
  const world = new World(["pi", "nas"], 1);
  for (const host of world.hosts) await host.boot();
  await world.run(100);
  const heard = new Map<string, number>();
  const mistakes: string[] = [];
  const counter: Subscriber = {
    unitNew: () => {},
    unitRemoved: () => {},
    unitStateChanged(node, _unit, activeState) {
      const next = (heard.get(node) ?? 0) + 1;
      heard.set(node, next);
      if (activeState !== states[next % 2]) mistakes.push(`event ${next} of ${node} says ${activeState}`);
    },
    unitPropertiesChanged: () => {},
  };
  world.controller.subscriptions.subscribe("*", ["*"], counter);
  await world.run(100);
  const agents = world.hosts.map(({ agent }) => agent);
  let told = 0;
  for (let tenths = 0; tenths < seconds * 10; tenths++) {
    for (let count = 0; count < 500; count++) {
      told++;
      const [activeState = "", subState = "dead"] = [states[told % 2]];
      for (const agent of agents)
        agent?.unitPropertiesChanged("a.service", "U", noProperties, { activeState, subState });
    }
    await busy(world, 100);
    // What was told in a tenth of a second has been heard in the next.
    for (const { name } of world.hosts) expect(heard.get(name) ?? 0).toBeGreaterThan(told - 1000);
  }
  await busy(world, 1000);
  expect([...heard.values()]).toEqual([told, told]);
  expect(mistakes).toEqual([]);
  expect(world.recorder.statuses).toEqual(["degraded", "up"]);
  expect(await world.close()).toBe(0);
});

test("a node that is not listened to for long stays, and is cut off when it has too much to say; nothing is missed", async () => {
  const world = new World(["pi", "nas"], 1);
  for (const host of world.hosts) {
    for (const name of ["a.service", "b.service"]) host.systemd.define({ name });
    await host.boot();
  }
  await world.run(100);
  const picture = new Picture();
  world.controller.subscriptions.subscribe("*", ["a.service", "b.service"], picture);
  const pi = world.host("pi");
  const start = (unit: string) => pi.systemd.connect().startJob("start", unit, "replace");
  await start("a.service");
  await world.run(100);
  expect(picture.units.get("pi a.service")).toBe("active");

  // As it is while the bus is slow.
  for (const node of world.controller.nodes.values()) node.hold(true);
  await world.run(60_000);
  expect(world.recorder.statuses).toEqual(["degraded", "up"]);
  for (let count = 0; count < tooMany; count++) {
    pi.agent?.unitPropertiesChanged("a.service", "org.freedesktop.systemd1.Service", properties, {});
  }
  await world.run(100);
  expect(world.trace.join("\n")).toContain(
    "Disconnected from controller: peer does not read: more than 33554432 bytes are queued",
  );
  await start("b.service");
  await pi.systemd.loaded("a.service")?.fail();
  await world.run(10_000);
  for (const node of world.controller.nodes.values()) node.hold(false);
  await world.run(10_000);
  expect(world.controller.status).toBe("up");
  expect(picture.units).toEqual(
    new Map([
      ["pi a.service", "failed"],
      ["pi b.service", "active"],
    ]),
  );
  expect(await world.close()).toBe(0);
});
