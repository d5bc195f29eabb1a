// Agents are connected to systemd only while something has to be heard from it, and hear everything then.
import { expect, test } from "bun:test";
import { lingerMs } from "../../src/systemd/reconnecting.ts";
import { Picture } from "./recorder.ts";
import { World } from "./world.ts";

/** Longer than left-over dependency units are waited for after an agent has come, and then a connection lingers. */
const idleMs = 5000 + lingerMs + 1000;

async function setUp() {
  const world = new World(["laptop", "pi"], 1);
  const [laptop, pi] = [world.host("laptop"), world.host("pi")];
  for (const { systemd } of world.hosts) {
    systemd.define({ name: "quick.service" });
    systemd.define({ name: "slow.service", startMs: 4 * idleMs });
  }
  const proxy = "bluechi-proxy@pi_quick.service";
  laptop.systemd.define({ name: "user.service", bindsTo: [proxy], after: [proxy] });
  for (const host of world.hosts) await host.boot();
  await world.run(idleMs);
  const connected = () => world.hosts.filter(({ systemd }) => systemd.connected).map(({ name }) => name);
  const start = (unit: string) => {
    const node = world.controller.nodes.get("pi");
    if (!node) throw new Error("no node");
    return world.controller
      .startJob(node, "start", unit, "replace")
      .then((job) => world.controller.jobs.handle(job, { type: "accepted" }));
  };
  const results = () => world.recorder.results.map(({ job, result }) => `${job.unit} ${result}`);
  return { world, laptop, pi, connected, start, results };
}

test("an agent that nobody asks for anything is not connected", async () => {
  const { world, connected } = await setUp();
  expect(connected()).toEqual([]);
  expect(await world.close()).toBe(0);
});

test("a job is heard to its end, and then the agent is idle again", async () => {
  const { world, start, results, connected } = await setUp();
  await Promise.all([start("quick.service"), world.run(100)]);
  expect(results()).toEqual(["quick.service done"]);
  await Promise.all([start("slow.service"), world.run(100)]);
  await world.run(3 * idleMs);
  expect(connected()).toEqual(["pi"]);
  await world.run(2 * idleMs);
  expect(results()).toEqual(["quick.service done", "slow.service done"]);
  expect(connected()).toEqual([]);
  expect(await world.close()).toBe(0);
});

test("who listens to a unit hears all of it, however long nothing happens", async () => {
  const { world, pi, connected } = await setUp();
  const picture = new Picture();
  const { subscriptions } = world.controller;
  const id = subscriptions.subscribe("pi", ["quick.service"], picture);
  await world.run(2 * idleMs);
  pi.systemd.jobs.enqueue("start", "quick.service", "replace");
  await world.run(1000);
  expect(connected()).toEqual(["pi"]);
  expect(picture.told).toEqual(["new pi quick.service real", "state pi quick.service active running real"]);
  subscriptions.unsubscribe(id);
  await world.run(idleMs);
  expect(connected()).toEqual([]);
  expect(await world.close()).toBe(0);
});

test("a proxy's unit is listened to, and its target where that runs", async () => {
  const { world, laptop, pi, connected } = await setUp();
  laptop.systemd.jobs.enqueue("start", "user.service", "replace");
  await world.run(2 * idleMs);
  expect([laptop.state("user.service"), connected()]).toEqual(["active", ["laptop", "pi"]]);
  pi.systemd.loaded("quick.service")?.fail();
  await world.run(idleMs);
  expect([laptop.state("user.service"), connected()]).toEqual(["inactive", []]);
  expect(await world.close()).toBe(0);
});

test.each([
  ["before its agent is connected to systemd", 1000],
  ["when that has long been", 0],
])("a proxy whose unit fails %s is found out", async (_, connectMs) => {
  const { world, laptop, connected } = await setUp();
  laptop.connectMs = connectMs;
  laptop.systemd.jobs.enqueue("start", "user.service", "replace");
  await world.run(500);
  const proxy = laptop.systemd.loaded("bluechi-proxy@pi_quick.service");
  expect([proxy?.activeState, laptop.agent?.proxies.size]).toEqual(["active", 1]);
  proxy?.fail();
  await world.run(2 * idleMs);
  expect([laptop.agent?.proxies.size, connected()]).toEqual([0, []]);
  expect(await world.close()).toBe(0);
});

test("that systemd was away is noticed by who needs it", async () => {
  const { world, pi, connected, start, results } = await setUp();
  pi.systemd.disconnect("systemd is executed again", 2000);
  await world.run(1000);
  expect(world.controller.status).toBe("up");
  const refused = start("quick.service").catch(({ message }: Error) => message);
  await world.run(100);
  expect(await refused).not.toBe("");
  expect(pi.agent?.status).toBe("offline");
  await world.run(5000);
  expect(world.controller.status).toBe("up");
  await Promise.all([start("quick.service"), world.run(100)]);
  expect(results()).toContain("quick.service done");
  await world.run(idleMs);
  expect(connected()).toEqual([]);
  expect(await world.close()).toBe(0);
});
