// What OnTargetLost= decides when a target's node stays away.
import { expect, test } from "bun:test";
import { type Host, nodeTerms, targetLostTimeoutMs, World } from "./world.ts";

const proxy = "bluechi-proxy@pi_cdn.service";

/** How long after its power is cut a node is away for long: heartbeats have to find that it is lost first. */
const lostMs = targetLostTimeoutMs + 10_000;

/** A laptop that stops and a tablet that keeps its proxy, each with a web.service that is bound to the pi's cdn.service. */
async function setUp(seed: number) {
  const names = ["laptop", "tablet", "pi"];
  const world = new World(names, seed);
  const [laptop, tablet, pi] = world.hosts as [Host, Host, Host];
  world.reload({
    nodes: nodeTerms(...names).map((node) => (node.name === "laptop" ? { ...node, onTargetLost: "stop" } : node)),
  });
  pi.systemd.define({ name: "cdn.service", stopWhenUnneeded: true });
  for (const host of world.hosts) await host.boot();
  await world.run(1000);
  for (const host of [laptop, tablet]) {
    host.systemd.define({ name: "web.service", bindsTo: [proxy], after: [proxy] });
    await start(host);
  }
  await world.run(1000);
  const states = () => [laptop, tablet].map((host) => `${host.state("web.service")} ${host.state(proxy)}`);
  expect(states()).toEqual(["active active", "active active"]);
  return { world, laptop, tablet, pi, states };
}

async function start(host: Host): Promise<void> {
  const client = host.systemd.connect();
  await client.startJob("start", "web.service", "replace");
  client.close();
}

const kept = ["active active", "active active"];
const stopped = ["inactive inactive", "active active"];

test("one that stays away is decided on for each source, and finds what is needed when it is back", async () => {
  const { world, laptop, pi, states } = await setUp(1);
  await pi.crash();
  await world.run(targetLostTimeoutMs - 1000);
  expect(states()).toEqual(kept);
  await world.run(lostMs);
  expect(states()).toEqual(stopped);
  expect(world.trace.join("\n")).toMatch(
    /Stopping proxy '\S+': unit 'cdn.service' on node 'pi': the node has been away for 30000 ms/,
  );
  await pi.boot();
  await world.run(10_000);
  expect([...states(), pi.state("cdn.service")]).toEqual([...stopped, "active"]);
  expect(world.controller.dependencies.users("pi", "cdn.service")).toBe(1);
  await start(laptop);
  await world.run(1000);
  expect(states()).toEqual(kept);
  expect(await world.close()).toBe(0);
});

test("one that is back in time changes nothing", async () => {
  const { world, pi, states } = await setUp(1);
  for (let round = 0; round < 3; round++) {
    await pi.crash();
    await world.run(targetLostTimeoutMs - 2000);
    await pi.boot();
    await world.run(10_000);
    expect(states()).toEqual(kept);
  }
  expect(await world.close()).toBe(0);
});

test("what has not been started yet waits on", async () => {
  const { world, laptop, pi, states } = await setUp(1);
  await pi.crash();
  await world.run(lostMs);
  await start(laptop);
  await world.run(lostMs);
  expect(states()[0]).toBe("inactive activating");
  await pi.boot();
  await world.run(10_000);
  expect(states()).toEqual(kept);
  expect(await world.close()).toBe(0);
});

test("a restart of the controller, or of a source that is away meanwhile, does not change the decision", async () => {
  for (let seed = 1; seed <= 40; seed++) {
    const { world, laptop, tablet, pi, states } = await setUp(seed);
    const { random } = world;
    await pi.crash();
    await world.run(random.below(lostMs));
    for (const host of [laptop, tablet]) {
      const trouble = random.below(3);
      if (trouble === 1) world.network.lose(host.name);
      if (trouble === 2) await host.crash();
      await world.run(random.below(10_000));
    }
    if (random.below(2)) world.restartController(random.below(2) === 0);
    await world.run(random.below(lostMs));
    for (const host of [laptop, tablet]) {
      world.network.heal(host.name);
      if (!host.agent) await host.boot();
    }
    // A controller that was restarted last in this counts from its own start.
    await world.run(lostMs + 20_000);
    expect([seed, ...states()]).toEqual([seed, ...stopped]);
    await pi.boot();
    await world.run(20_000);
    expect([seed, ...states()]).toEqual([seed, ...stopped]);
    expect([seed, pi.state("cdn.service"), world.controller.dependencies.users("pi", "cdn.service")]).toEqual([
      seed,
      "active",
      1,
    ]);
    expect(await world.close()).toBe(0);
  }
});
