import { expect, test } from "bun:test";
import { join } from "../../src/wire/handshake.ts";
import type { Handlers } from "../../src/wire/messages.ts";
import { World } from "./world.ts";

async function setUp(...names: string[]) {
  const world = new World(names, 1);
  for (const host of world.hosts) await host.boot();
  await world.run(1000);
  return world;
}

test("the status follows the nodes, and is told once when it changes", async () => {
  const world = await setUp("laptop", "pi");
  expect(world.recorder.statuses).toEqual(["degraded", "up"]);
  for (const host of world.hosts) {
    await host.crash();
    await world.run(100);
  }
  for (const host of world.hosts) {
    await host.boot();
    await world.run(3000);
  }
  expect(world.recorder.statuses.slice(2)).toEqual(["degraded", "down", "degraded", "up"]);
  world.controller.shutDown();
  expect(world.recorder.statuses.slice(6)).toEqual(["down"]);
  await world.close();
});

test("jobs end with the controller", async () => {
  const world = await setUp("pi");
  world.host("pi").systemd.define({ name: "slow.service", startMs: 60_000 });
  const node = world.controller.nodes.get("pi");
  if (!node) throw new Error("no node");
  const asked = world.controller.startJob(node, "start", "slow.service", "replace");
  await world.run(100);
  world.controller.jobs.handle(await asked, { type: "accepted" });
  world.controller.shutDown();
  expect(world.recorder.results.map(({ result }) => result)).toEqual(["cancelled due to shutdown"]);
  await world.close();
});

test("of two agents with one name the newer is the node until it goes, and both sides say so once", async () => {
  const world = await setUp("pi");
  const pi = world.host("pi");
  const twin = pi.twin();
  await twin.boot();
  await world.run(600_000);
  const said = (what: string) => world.trace.filter((line) => line.includes(what)).length;
  expect([pi.agent?.status, twin.agent?.status]).toEqual(["offline", "online"]);
  expect([said("has connected again"), said("another agent has connected as 'pi'; this one asks")]).toEqual([1, 1]);
  expect(world.recorder.statuses).toEqual(["up", "down", "up"]);
  await twin.stop(true);
  await world.run(61_000);
  expect(pi.agent?.status).toBe("online");
  expect(said("has connected again")).toBe(1);
  expect(await world.close()).toBe(0);
});

test("an attempt that was given up, and arrives after the next one, does not take its place", async () => {
  const world = new World(["pi"], 1);
  const [station] = world.stations;
  if (!station) throw new Error("no controller");
  const { network } = station;
  const ended: number[] = [];
  const attempt = async (number: number) => {
    const joined = join(network.connect("pi"), {
      clock: world.clock,
      node: "pi",
      version: "1",
      origin: { agent: 7n, attempt: number },
      handlers: {} as Handlers<"agent">,
      heartbeat: { intervalMs: 2000, thresholdMs: 0 },
      onClose: () => ended.push(number),
    });
    const outcome = joined.then(
      () => "in",
      ({ message }) => message,
    );
    await world.run(100);
    return outcome;
  };
  expect(await attempt(2)).toBe("in");
  expect(await attempt(1)).toBe("a later attempt of the same agent has come before");
  expect(ended).toEqual([]);
  expect(world.controller.status).toBe("up");
  expect(await attempt(3)).toBe("in");
  expect(ended).toEqual([2]);
  await world.close();
});

test("a node that says nothing for a while is lost, and found again", async () => {
  const world = await setUp("laptop", "pi");
  world.network.lose("pi");
  await world.run(8500);
  expect(world.controller.nodes.get("pi")?.status).toBe("offline");
  expect(world.host("pi").agent?.status).toBe("offline");
  expect(world.controller.nodes.get("laptop")?.status).toBe("online");
  world.network.heal("pi");
  await world.run(10_000);
  expect(world.controller.status).toBe("up");
  await world.close();
});
