import { expect, test } from "bun:test";
import { Picture } from "./recorder.ts";
import { type Host, nodeTerms, World } from "./world.ts";

const proxy = "bluechi-proxy@pi_cdn.service";
const dependency = "bluechi-dep@cdn.service";

/** A laptop whose web.service is bound to the pi's cdn.service, and a tablet that has nothing to do with it. */
async function setUp() {
  const names = ["laptop", "pi", "tablet"];
  const world = new World(names, 1);
  const [laptop, pi] = world.hosts as [Host, Host, Host];
  laptop.systemd.define({ name: "web.service", bindsTo: [proxy], after: [proxy] });
  pi.systemd.define({ name: "cdn.service", stopWhenUnneeded: true });
  for (const host of world.hosts) await host.boot();
  await world.run(1000);
  const client = laptop.systemd.connect();
  await client.startJob("start", "web.service", "replace");
  client.close();
  await world.run(1000);
  const states = () =>
    [laptop.state("web.service"), laptop.state(proxy), pi.state(dependency), pi.state("cdn.service")].join(" ");
  expect(states()).toBe("active active active active");
  const session = (name: string) => world.host(name).agent?.link.session;
  const before = new Map(names.map((name) => [name, session(name)]));
  /** The nodes whose links are still those of the beginning. */
  const linked = () => names.filter((name) => session(name) === before.get(name));
  world.recorder.statuses.length = 0;
  return { world, laptop, pi, states, linked };
}

test("a node that is added may register, and is heard by those who listened for it before", async () => {
  const { world, linked } = await setUp();
  const picture = new Picture();
  world.controller.subscriptions.subscribe("tablet", ["*"], picture);
  world.reload({ nodes: nodeTerms("laptop", "pi") });
  await world.run(5000);
  expect(world.host("tablet").agent?.status).toBe("offline");
  world.reload({ nodes: nodeTerms("new", "tablet", "laptop", "pi") });
  await world.run(5000);
  expect([...world.controller.nodes.keys()]).toEqual(["new", "tablet", "laptop", "pi"]);
  expect(world.host("tablet").agent?.status).toBe("online");
  expect(linked()).toEqual(["laptop", "pi"]);
  expect(picture.told.slice(0, 4)).toEqual([
    "new tablet * virtual",
    "state tablet * inactive agent-offline virtual",
    "removed tablet * virtual",
    "new tablet * virtual",
  ]);
  expect(world.recorder.statuses).toEqual(["degraded"]);
  expect(world.recorder.nodes).toEqual(["-tablet", "+new", "+tablet"]);
  expect(await world.close()).toBe(0);
});

test("a target's node that is removed takes along what needs it, and stops what ran for others", async () => {
  const { world, laptop, pi, states, linked } = await setUp();
  world.reload({ nodes: nodeTerms("laptop", "tablet") });
  await world.run(10_000);
  expect(states()).toBe("inactive inactive inactive inactive");
  expect([laptop.agent?.status, pi.agent?.status]).toEqual(["online", "offline"]);
  expect(linked()).toEqual(["laptop", "tablet"]);
  expect(world.recorder.statuses).toEqual([]);
  expect(world.trace.join("\n")).toContain("node 'pi' is no longer in the controller's configuration");
  expect(await world.close()).toBe(0);
});

test("a source's node that is removed stops its proxies, and what nobody else needs", async () => {
  const { world, states, linked } = await setUp();
  world.reload({ nodes: nodeTerms("pi", "tablet") });
  await world.run(10_000);
  expect(states()).toBe("inactive inactive inactive inactive");
  expect(linked()).toEqual(["pi", "tablet"]);
  expect(await world.close()).toBe(0);
});

test("a dependency that is not allowed any more ends", async () => {
  const { world, states, linked } = await setUp();
  const nodes = nodeTerms("laptop", "pi", "tablet");
  world.reload({
    nodes: nodes.map((node) => (node.name === "laptop" ? { ...node, allowedDependencies: new Set() } : node)),
  });
  await world.run(10_000);
  expect(states()).toBe("inactive inactive inactive inactive");
  expect(linked()).toEqual(["laptop", "pi", "tablet"]);
  expect(world.trace.join("\n")).toContain("'laptop' has no AllowDependenciesOn=pi");
  expect(await world.close()).toBe(0);
});

test.each([true, false])("the jobs of a node that is removed end, whether it is online: %p", async (online) => {
  const { world, pi } = await setUp();
  pi.systemd.define({ name: "slow.service", startMs: 60_000 });
  const node = world.controller.nodes.get("pi");
  if (!node) throw new Error("no node");
  const asked = world.controller.startJob(node, "start", "slow.service", "replace");
  await world.run(100);
  world.controller.jobs.handle(await asked, { type: "accepted" });
  if (!online) {
    await pi.crash();
    await world.run(100);
  }
  world.reload({ nodes: nodeTerms("laptop", "tablet") });
  expect(world.recorder.results.map(({ result }) => result)).toEqual(["failed"]);
  expect(world.controller.jobs.size).toBe(0);
  expect(await world.close()).toBe(0);
});

test("an agent of which a SELinux context is required now has to register again", async () => {
  const { world, linked } = await setUp();
  const nodes = nodeTerms("laptop", "pi", "tablet");
  world.reload({ nodes: nodes.map((node) => (node.name === "tablet" ? { ...node, requiredContext: "x" } : node)) });
  await world.run(10_000);
  expect(world.host("tablet").agent?.status).toBe("offline");
  expect(linked()).toEqual(["laptop", "pi"]);
  world.reload({ nodes });
  await world.run(10_000);
  expect(world.controller.status).toBe("up");
  expect(await world.close()).toBe(0);
});

test("whatever is reloaded in whatever order, what stays is undisturbed", async () => {
  for (let seed = 1; seed <= 25; seed++) {
    const { world, linked, states } = await setUp();
    const extra = ["a", "b", "c", "tablet"];
    for (let round = 0; round < 10; round++) {
      const chosen = extra.filter(() => world.random.below(2) === 0);
      world.reload({ nodes: nodeTerms(...chosen, "laptop", ...(world.random.below(2) ? ["pi"] : []), "pi") });
      await world.run(world.random.below(3000));
    }
    world.reload({ nodes: nodeTerms("laptop", "pi", "tablet") });
    await world.run(20_000);
    expect([seed, world.controller.status, states()]).toEqual([seed, "up", "active active active active"]);
    expect(linked().slice(0, 2)).toEqual(["laptop", "pi"]);
    expect(world.recorder.mistakes).toEqual([]);
    expect(await world.close()).toBe(0);
  }
});
