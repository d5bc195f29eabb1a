import { expect, test } from "bun:test";
import type { UnitFile } from "../../src/systemd/fake-unit.ts";
import { type Host, World } from "./world.ts";

const proxy = "bluechi-proxy@pi_cdn.service";
const dependency = "bluechi-dep@cdn.service";

/** A laptop whose web.service needs the pi's cdn.service. */
async function setUp(cdn: Partial<UnitFile> = {}, need: "wants" | "bindsTo" = "wants") {
  const world = new World(["laptop", "pi"], 1);
  const [laptop, pi] = world.hosts as [Host, Host];
  laptop.systemd.define({ name: "web.service", [need]: [proxy], after: [proxy] });
  pi.systemd.define({ name: "cdn.service", ...cdn });
  for (const host of world.hosts) await host.boot();
  await world.run(1000);
  const states = () =>
    [laptop.state("web.service"), laptop.state(proxy), pi.state(dependency), pi.state("cdn.service")].join(" ");
  const start = async () => {
    const client = laptop.systemd.connect();
    await client.startJob("start", "web.service", "replace");
    client.close();
    await world.run(1000);
  };
  const stop = async () => {
    const client = laptop.systemd.connect();
    await client.startJob("stop", "web.service", "replace");
    client.close();
    await world.run(1000);
  };
  return { world, laptop, pi, states, start, stop };
}

test("up and down together", async () => {
  const { world, states, start, stop } = await setUp({ stopWhenUnneeded: true });
  await start();
  expect(states()).toBe("active active active active");
  await stop();
  expect(states()).toBe("inactive inactive inactive inactive");
  expect(await world.close()).toBe(0);
});

test("a target that stops with its last user does not notice that an agent is away for a moment", async () => {
  const { world, laptop, pi, states, start } = await setUp({ stopWhenUnneeded: true, stopMs: 100 }, "bindsTo");
  await start();
  const entered = () => pi.systemd.loaded("cdn.service")?.moments.get("ActiveEnter")?.[1];
  const before = entered();
  laptop.systemd.disconnect();
  await world.run(30_000);
  world.network.cut("laptop");
  await world.run(30_000);
  await laptop.crash();
  await laptop.boot();
  await world.run(30_000);
  expect(states()).toBe("active active active active");
  expect(entered()).toBe(before);
  expect(await world.close()).toBe(0);
});

test("an agent that stops for good takes its proxies along at once", async () => {
  const { world, laptop, pi, start } = await setUp({ stopWhenUnneeded: true }, "bindsTo");
  await start();
  await laptop.stop(false);
  await world.run(1000);
  expect([laptop.state(proxy), pi.state("cdn.service")]).toEqual(["inactive", "inactive"]);
  expect(await world.close()).toBe(0);
});

test("a target that takes its time is waited for", async () => {
  const { world, states, start } = await setUp({ startMs: 90_000 });
  await start();
  expect(states()).toBe("inactive activating inactive activating");
  await world.run(90_000);
  expect(states()).toBe("active active active active");
  expect(await world.close()).toBe(0);
});

test("a target that fails at its start", async () => {
  const { world, states, start } = await setUp({ failsAtStart: true });
  await start();
  expect(states()).toBe("active failed inactive failed");
  expect(await world.close()).toBe(0);
});

test("a target that fails later takes along what is bound to it", async () => {
  const { world, pi, states, start } = await setUp({}, "bindsTo");
  await start();
  pi.systemd.loaded("cdn.service")?.fail();
  await world.run(1000);
  expect(states()).toBe("inactive inactive inactive failed");
  expect(await world.close()).toBe(0);
});

for (const need of ["wants", "bindsTo"] as const) {
  test(`a start that overtakes a stop of the target: all stays, for what ${need} it`, async () => {
    const { world, pi, states, start } = await setUp({}, need);
    await start();
    const entered = () => pi.systemd.loaded("cdn.service")?.moments.get("ActiveEnter")?.[1];
    const before = entered();
    const client = pi.systemd.connect();
    for (const type of ["stop", "start"] as const) await client.startJob(type, "cdn.service", "replace");
    client.close();
    await world.run(1000);
    expect(states()).toBe("active active active active");
    expect(entered()).toBe(before);
    expect(await world.close()).toBe(0);
  });
}

test("a target that is stopped, though it was to be restarted, stays so", async () => {
  const { world, pi, states, start } = await setUp({ stopMs: 100 });
  await start();
  const client = pi.systemd.connect();
  for (const type of ["restart", "stop"] as const) await client.startJob(type, "cdn.service", "replace");
  client.close();
  await world.run(1000);
  expect(states()).toBe("active inactive inactive inactive");
  expect(await world.close()).toBe(0);
});

test("the target's node is away at the start", async () => {
  const { world, pi, states, start } = await setUp();
  await pi.crash();
  await start();
  expect(states()).toBe("inactive activating inactive inactive");
  await pi.boot();
  await world.run(5000);
  expect(states()).toBe("active active active active");
  expect(await world.close()).toBe(0);
});

test("a dependency whose users went while its node was away is stopped when the node is back", async () => {
  const { world, pi, states, start, stop } = await setUp({ stopWhenUnneeded: true });
  await start();
  world.network.lose("pi");
  await world.run(20_000);
  await stop();
  expect(states()).toBe("inactive inactive active active");
  world.network.heal("pi");
  await world.run(30_000);
  expect(pi.agent?.status).toBe("online");
  expect(states()).toBe("inactive inactive inactive inactive");
  expect(await world.close()).toBe(0);
});

test("nothing stops because the controller restarts", async () => {
  const { world, pi, states, start } = await setUp({}, "bindsTo");
  await start();
  const told: string[] = [];
  const watcher = pi.systemd.connect();
  watcher.listen({
    unitNew: () => {},
    unitRemoved: () => {},
    listensTo: () => true,
    unitPropertiesChanged: (unit, _interface, _properties, { activeState }) => told.push(`${unit} ${activeState}`),
    jobStateChanged: () => {},
    jobRemoved: (_path, unit, result) => told.push(`${unit} ${result}`),
    lost: () => {},
  });
  for (const orderly of [true, false]) {
    world.restartController(orderly);
    await world.run(30_000);
    expect(states()).toBe("active active active active");
  }
  expect(told.filter((line) => /inactive|failed|stop/.test(line))).toEqual([]);
  watcher.close();
  expect(await world.close()).toBe(0);
});
