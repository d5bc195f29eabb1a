import { describe, expect, test } from "bun:test";
import { type Host, World } from "./world.ts";

// Two controllers, and agents that prefer the first.

const addresses = ["primary", "standby"];
const heartbeat = { intervalMs: 2000, thresholdMs: 6000 };
/** What is on its way has arrived by then: it comes in pieces, each of which takes up to 5 ms. */
const networkDelayMs = 100;
const seeds = Array.from({ length: 60 }, (_, index) => Number(process.env.SEED ?? 0) + index);

function open(names: readonly string[], seed = 1) {
  const world = new World(names, seed, heartbeat, addresses);
  const [primary, standby] = world.stations;
  if (!primary || !standby) throw new Error("no stations");
  return { world, primary, standby };
}

/** Where a node is online. */
function placesOf(world: World, { name }: Host): string[] {
  return world.stations.filter((station) => station.has(name)).map(({ address }) => address);
}

async function setUp() {
  const opened = open(["pi"]);
  const { world } = opened;
  const pi = world.host("pi");
  await pi.boot();
  await world.run(1000);
  const places = () => placesOf(world, pi);
  expect(places()).toEqual(["primary"]);
  const addressesOf: string[] = [];
  pi.agent?.listen({
    statusChanged: () => addressesOf.push(`${pi.agent?.status}`),
    controllerAddressChanged: () => addressesOf.push(`${pi.agent?.link.address}`),
  });
  return { ...opened, pi, places, told: addressesOf };
}

test("an agent goes to the standby at once, and back when the primary has been steady for a while", async () => {
  const { world, primary, places, told } = await setUp();
  primary.stop(false);
  await world.run(200);
  expect(places()).toEqual(["standby"]);
  await world.run(60_000);
  primary.restart();
  await world.run(5000);
  expect(places()).toEqual(["standby"]);
  await world.run(40_000);
  expect(places()).toEqual(["primary"]);
  expect(told).toEqual(["offline", "standby", "online", "primary", "offline", "online"]);
  expect(await world.close()).toBe(0);
});

test("an agent stays with the standby while the primary would refuse it", async () => {
  const { world, primary, pi, places, told } = await setUp();
  primary.stop(false);
  await world.run(1000);
  primary.restart();
  // Somebody else is the node there.
  const twin = pi.twin();
  world.network.heal("pi");
  await twin.boot();
  await world.run(1000);
  expect(primary.has("pi")).toBe(true);
  told.length = 0;
  await world.run(300_000);
  expect(told).toEqual([]);
  await twin.stop(true);
  await world.run(60_000);
  expect(places()).toEqual(["primary"]);
  expect(await world.close()).toBe(0);
});

test("a primary that comes and goes is gone back to ever less often", async () => {
  const { world, primary, told } = await setUp();
  for (let ms = 0; ms < 1_800_000; ms += 40_000) {
    primary.stop(false);
    await world.run(2000);
    primary.restart();
    await world.run(38_000);
  }
  expect(told.filter((what) => what === "primary").length).toBeLessThan(8);
  expect(await world.close()).toBe(0);
});

test("who is switched stays there, whatever becomes of it, until switched back", async () => {
  const { world, standby, pi, places } = await setUp();
  pi.agent?.switchController("standby");
  await world.run(100_000);
  expect(places()).toEqual(["standby"]);
  standby.stop(true);
  await world.run(100_000);
  expect(places()).toEqual([]);
  pi.agent?.switchController("primary");
  await world.run(5000);
  expect(places()).toEqual(["primary"]);
  expect(await world.close()).toBe(0);
});

test("other controllers in the configuration count at once, wherever the agent was switched to", async () => {
  const { world, pi, places, told } = await setUp();
  pi.agent?.switchController("standby");
  await world.run(1000);
  pi.agent?.reconfigure(["primary", "elsewhere"]);
  await world.run(1000);
  expect(places()).toEqual(["primary"]);
  pi.agent?.reconfigure(["standby", "primary"]);
  await world.run(100_000);
  expect(places()).toEqual(["standby"]);
  expect(told.filter((what) => addresses.includes(what))).toEqual(["standby", "primary", "standby"]);
  expect(await world.close()).toBe(0);
});

test("a switch gives up an attempt that is under way, and nothing of it is left", async () => {
  const { world, primary, pi, places } = await setUp();
  primary.stop(false);
  // Nobody answers there from now on, but connections are taken.
  const listener = primary.network.listen((transport) =>
    transport.start({ data: () => {}, drained: () => {}, closed: () => transport.close() }),
  );
  await world.run(1000);
  expect(places()).toEqual([]);
  pi.agent?.switchController("standby");
  await world.run(200);
  expect(places()).toEqual(["standby"]);
  listener.close();
  expect(await world.close()).toBe(0);
});

describe("whatever happens, no node is online at both controllers, and all are at the first in the end", () => {
  test.each(seeds)("seed %d", async (seed) => {
    const { world } = open(["laptop", "pi"], seed);
    const twice = new Set<string>();
    let cutMs = Number.NEGATIVE_INFINITY;
    world.watch = () => {
      // A link that breaks in its middle is noticed at its ends one after the other.
      if (world.clock.monotonicMs() - cutMs <= networkDelayMs) return;
      for (const host of world.hosts) {
        if (placesOf(world, host).length > 1) twice.add(`${world.clock.monotonicMs()} ${host.name}`);
      }
    };
    const any = <T>(items: readonly T[]): T => items[world.random.below(items.length)] as T;
    for (const host of world.hosts) await host.boot();
    const stopped = new Set<unknown>();
    for (let step = 0; step < 40; step++) {
      const [station, host] = [any(world.stations), any(world.hosts)];
      const actions: [string, () => void | Promise<void>][] = [
        [
          "stop",
          () => {
            if (stopped.has(station)) return;
            station.stop(world.random.below(2) === 0);
            stopped.add(station);
          },
        ],
        ["start", () => void (stopped.delete(station) && station.restart())],
        [
          "cut",
          () => {
            station.network.cut(host.name);
            cutMs = world.clock.monotonicMs();
          },
        ],
        [
          "switch",
          () => {
            if (host.agent && host.agent.link.address !== station.address) {
              host.agent.switchController(station.address);
            }
          },
        ],
        [
          "crash",
          async () => {
            await host.crash();
            // Its kernel ends the connections before another agent can come.
            await world.run(networkDelayMs);
            await host.boot();
          },
        ],
        ["reexec", () => host.systemd.disconnect()],
      ];
      const [what, act] = any(actions);
      world.note(`-- ${what} ${station.address} ${host.name}`);
      await act();
      await world.run(any([0, 1, 3, 10, 300, 3000, 20_000]));
    }
    world.note("-- heal all");
    for (const station of world.stations) if (stopped.delete(station)) station.restart();
    for (const host of world.hosts) {
      if (host.agent?.link.switchedTo !== undefined) host.agent.switchController("primary");
    }
    await world.run(900_000);
    const problems = [...twice].map((what) => `online twice: ${what}`);
    for (const host of world.hosts) {
      if (placesOf(world, host).join() !== "primary") problems.push(`${host.name} is at ${placesOf(world, host)}`);
    }
    if (problems.length > 0) console.error(world.trace.join("\n"));
    expect(problems).toEqual([]);
    expect(await world.close()).toBe(0);
  });
});
