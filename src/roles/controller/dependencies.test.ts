import { beforeEach, expect, test } from "bun:test";
import { ErrorName, Failure } from "../../base/failure.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import { untilLost } from "./absences.ts";
import { Dependencies } from "./dependencies.ts";
import { FakeSession } from "./fake-session.ts";
import { Node } from "./node.ts";
import { Subscriptions } from "./subscriptions.ts";

const unit = "cdn.service";
const unloaded = { loaded: false, activeState: "inactive", subState: "dead" };
const inactive = { loaded: true, activeState: "inactive", subState: "dead" };

let clock: FakeClock;
let nodes: Map<string, Node>;
let subscriptions: Subscriptions;
let dependencies: Dependencies;
let laptop: FakeSession;
let tablet: FakeSession;
let pi: FakeSession;

beforeEach(() => {
  clock = new FakeClock();
  const log = new Log({ write: () => {} });
  const allowed = new Set(["pi"]);
  nodes = new Map(
    ["laptop", "tablet", "pi"].map((name) => [name, new Node(name, name === "pi" ? new Set() : allowed, clock)]),
  );
  subscriptions = new Subscriptions(log);
  for (const node of nodes.values()) subscriptions.addNode(node);
  dependencies = new Dependencies(nodes, subscriptions, clock, log);
  dependencies.review(30_000);
  [laptop, tablet, pi] = [connect("laptop"), connect("tablet"), connect("pi")];
});

const node = (name: string): Node => nodes.get(name) as Node;

function connect(name: string): FakeSession {
  const agent = new FakeSession();
  node(name).connected(agent.session, "");
  subscriptions.nodeOnline(node(name));
  dependencies.nodeOnline(node(name));
  return agent;
}

function disconnect(name: string): void {
  node(name).disconnected();
  dependencies.nodeOffline(node(name));
  subscriptions.nodeOffline(node(name));
}

/** Announces the first proxy, and lets the target's agent say that its unit is not running. */
async function add(source: string, id: number): Promise<void> {
  dependencies.add(node(source), id, "pi", unit);
  await pi.answer(`subscribe ${unit}`, inactive);
  laptop.take();
}

test("a proxy starts the dependency unit, once the target is watched, and hears how that ended", async () => {
  dependencies.add(node("laptop"), 1, "pi", unit);
  expect(pi.take()).toEqual([`subscribe ${unit}`]);
  await pi.answer(`subscribe ${unit}`, unloaded);
  expect(pi.take()).toEqual([`startDependency ${unit}`]);
  await pi.answer(`startDependency ${unit}`, { result: "done" });
  expect(laptop.take()).toEqual(["proxyTargetActivated 1 done "]);
});

test("a start that fails, or is refused, says where and why", async () => {
  await add("laptop", 1);
  await pi.answer(`startDependency ${unit}`, { result: "dependency" });
  dependencies.add(node("laptop"), 2, "pi", unit);
  await pi.refuse(`startDependency ${unit}`, new Failure("x.NoSuchUnit", `Unit ${unit} not found.`));
  expect(laptop.take()).toEqual([
    "proxyTargetActivated 1 dependency cdn.service on node 'pi': dependency",
    "proxyTargetActivated 2 failed Unit cdn.service not found. (on node 'pi')",
  ]);
});

test("the target's states reach every proxy of it", async () => {
  dependencies.add(node("laptop"), 1, "pi", unit);
  dependencies.add(node("tablet"), 1, "pi", unit);
  await pi.answer(`subscribe ${unit}`, inactive);
  laptop.take();
  tablet.take();
  subscriptions.unitStateChanged(node("pi"), unit, "failed", "failed");
  subscriptions.unitRemoved(node("pi"), unit);
  const expected = ["proxyTargetChanged 1 failed failed real", "proxyTargetRemoved 1 real"];
  expect([laptop.take(), tablet.take()]).toEqual([expected, expected]);
});

test("the dependency unit goes with the last proxy of all nodes", async () => {
  await add("laptop", 1);
  dependencies.add(node("laptop"), 2, "pi", unit);
  dependencies.add(node("tablet"), 1, "pi", unit);
  expect(dependencies.users("pi", unit)).toBe(3);
  pi.take();
  dependencies.remove(node("laptop"), 1);
  dependencies.remove(node("laptop"), 1);
  dependencies.remove(node("tablet"), 1);
  expect(pi.take()).toEqual([]);
  dependencies.remove(node("laptop"), 2);
  expect(pi.take()).toEqual([`unsubscribe ${unit}`, `stopDependency ${unit}`]);
});

test("what a source needs that goes offline is kept for a while, and then given up", async () => {
  await add("laptop", 1);
  pi.take();
  disconnect("laptop");
  clock.advance(4999);
  expect(pi.take().filter((line) => line.startsWith("stop"))).toEqual([]);
  expect(dependencies.users("pi", unit)).toBe(1);
  clock.advance(1);
  expect(pi.take()).toContain(`stopDependency ${unit}`);
  expect(dependencies.users("pi", unit)).toBe(0);
});

test("a source that is back in time finds its target as it was", async () => {
  await add("laptop", 1);
  await pi.answer(`startDependency ${unit}`, { result: "done" });
  disconnect("laptop");
  const returned = connect("laptop");
  dependencies.add(node("laptop"), 1, "pi", unit);
  expect(dependencies.users("pi", unit)).toBe(1);
  await pi.answer(`startDependency ${unit}`, { result: "done" });
  expect(returned.take()).toEqual(["proxyTargetActivated 1 done "]);
  clock.advance(60_000);
  expect(pi.take().filter((line) => line.startsWith("stop"))).toEqual([]);
  dependencies.remove(node("laptop"), 1);
  expect(pi.take()).toContain(`stopDependency ${unit}`);
});

test("while the target's node is offline the proxy waits, and is served when it comes", async () => {
  disconnect("pi");
  dependencies.add(node("laptop"), 1, "pi", unit);
  expect(laptop.take()).toEqual([]);
  const returned = connect("pi");
  await returned.answer(`subscribe ${unit}`, unloaded);
  expect(returned.take()).toEqual([`subscribe ${unit}`, `startDependency ${unit}`]);
  await returned.answer(`startDependency ${unit}`, { result: "done" });
  expect(laptop.take()).toEqual(["proxyTargetActivated 1 done "]);
});

test("a node that stays away is lost for those who do not keep their proxies, and for nobody when it returns", async () => {
  node("laptop").onTargetLost = "stop";
  await add("laptop", 1);
  dependencies.add(node("tablet"), 1, "pi", unit);
  disconnect("pi");
  clock.advance(29_999);
  connect("pi");
  clock.advance(60_000);
  disconnect("pi");
  clock.advance(29_999);
  for (const agent of [laptop, tablet]) expect(agent.take().filter((line) => line.includes("Lost"))).toEqual([]);
  clock.advance(1);
  expect(laptop.take()).toEqual(["proxyTargetLost 1 the node has been away for 30000 ms"]);
  expect(tablet.take()).toEqual([]);
});

test("a source that was away itself hears of it when it is back, or when its terms change", async () => {
  node("laptop").onTargetLost = "stop";
  await add("laptop", 1);
  disconnect("pi");
  disconnect("laptop");
  clock.advance(60_000);
  const returned = connect("laptop");
  dependencies.add(node("laptop"), 7, "pi", unit);
  dependencies.add(node("tablet"), 1, "pi", unit);
  clock.advance(0);
  expect(returned.take()).toEqual(["proxyTargetLost 7 the node has been away for 30000 ms"]);
  expect(tablet.take().filter((line) => line.includes("Lost"))).toEqual([]);
  node("tablet").onTargetLost = "stop";
  dependencies.review(10_000);
  clock.advance(0);
  expect(tablet.take()).toEqual(["proxyTargetLost 1 the node has been away for 10000 ms"]);
  dependencies.close();
  expect(clock.pending).toBe(0);
});

test.each([
  ["when it has just gone", 1000, 30_000, 1000, 30_000],
  ["later", 1000, 30_000, 21_000, 10_000],
  ["when its time is up", 1000, 30_000, 99_000, 0],
  ["never", 1000, 0, 99_000, Number.POSITIVE_INFINITY],
])("a node that is away is lost: %s", (_, awaySinceMs, timeoutMs, nowMs, expected) => {
  expect(untilLost(awaySinceMs, timeoutMs, nowMs)).toBe(expected);
});

test("a link that is lost in the middle of a start decides nothing", async () => {
  await add("laptop", 1);
  disconnect("pi");
  await pi.refuse(`startDependency ${unit}`, new Failure(ErrorName.NoReply, "Connection terminated"));
  expect(laptop.take()).toEqual(["proxyTargetRemoved 1 virtual"]);
});

test("what was left behind on a node is stopped once those who need something have come back", async () => {
  await add("laptop", 1);
  pi.take();
  clock.advance(4999);
  expect(pi.take()).toEqual([]);
  clock.advance(1);
  expect(pi.take()).toEqual([`keepDependencies ${unit}`]);
  disconnect("pi");
  clock.advance(60_000);
  expect(clock.pending).toBe(0);
});

test("a proxy that goes before the target is watched has started nothing, and stops nothing", async () => {
  dependencies.add(node("laptop"), 1, "pi", unit);
  dependencies.remove(node("laptop"), 1);
  await pi.answer(`subscribe ${unit}`, inactive);
  expect(pi.take()).toEqual([`subscribe ${unit}`, `unsubscribe ${unit}`]);
});

test.each([
  ["an unknown node", "laptop", "nowhere", unit, "No such node 'nowhere'"],
  [
    "a node that is not allowed",
    "pi",
    "laptop",
    unit,
    "Proxy on node not allowed: 'pi' has no AllowDependenciesOn=laptop",
  ],
  ["no unit's name", "laptop", "pi", "cdn", "Unit name cdn is not valid."],
])("%s is refused", (_, source, target, name, message) => {
  expect(() => dependencies.add(node(source), 1, target, name)).toThrow(message);
  expect(pi.take()).toEqual([]);
});
