import { beforeEach, expect, test } from "bun:test";
import { emptyBody } from "../../base/body.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import { FakeSession } from "./fake-session.ts";
import { Node } from "./node.ts";
import { type Subscriber, Subscriptions } from "./subscriptions.ts";

const active = { loaded: true, activeState: "active", subState: "running" };
const inactive = { loaded: true, activeState: "inactive", subState: "dead" };

/** A subscriber that keeps what it is told, a line each. */
class Listener implements Subscriber {
  readonly told: string[] = [];
  unitNew(...told: string[]): void {
    this.told.push(`new ${told.join(" ")}`);
  }
  unitRemoved(...told: string[]): void {
    this.told.push(`removed ${told.join(" ")}`);
  }
  unitStateChanged(...told: string[]): void {
    this.told.push(`state ${told.join(" ")}`);
  }
  unitPropertiesChanged(node: string, unit: string): void {
    this.told.push(`properties ${node} ${unit}`);
  }
  take(): string[] {
    return this.told.splice(0);
  }
}

let pi: Node;
let nas: Node;
let piAgent: FakeSession;
let subscriptions: Subscriptions;
let listener: Listener;

beforeEach(() => {
  const clock = new FakeClock();
  pi = new Node("pi", new Set(), clock);
  nas = new Node("nas", new Set(), clock);
  subscriptions = new Subscriptions(new Log({ write: () => {} }));
  for (const node of [pi, nas]) subscriptions.addNode(node);
  listener = new Listener();
  piAgent = connect(pi);
});

function connect(node: Node): FakeSession {
  const agent = new FakeSession();
  node.connected(agent.session, "");
  subscriptions.nodeOnline(node);
  return agent;
}

function disconnect(node: Node): void {
  node.disconnected();
  subscriptions.nodeOffline(node);
}

test("a loaded unit is introduced with its state, then its events follow", async () => {
  subscriptions.subscribe("pi", ["a.service"], listener);
  expect(listener.take()).toEqual([]);
  await piAgent.answer("subscribe a.service", active);
  expect(listener.take()).toEqual(["new pi a.service virtual", "state pi a.service active running virtual"]);
  subscriptions.unitStateChanged(pi, "a.service", "failed", "failed");
  subscriptions.unitPropertiesChanged(pi, "a.service", "x", emptyBody);
  subscriptions.unitRemoved(pi, "a.service");
  subscriptions.unitNew(pi, "a.service");
  subscriptions.unitNew(pi, "b.service");
  subscriptions.unitNew(nas, "a.service");
  expect(listener.take()).toEqual([
    "state pi a.service failed failed real",
    "properties pi a.service",
    "removed pi a.service real",
    "new pi a.service real",
  ]);
});

test("a unit that is not loaded is not introduced", async () => {
  subscriptions.subscribe("pi", ["a.service"], listener);
  await piAgent.answer("subscribe a.service", { loaded: false, activeState: "inactive", subState: "dead" });
  expect(listener.take()).toEqual([]);
});

test("what arrives before the agent's answer is older than that, as of a subscription before", async () => {
  const before = subscriptions.subscribe("pi", ["a.service"], listener);
  await piAgent.answer("subscribe a.service", inactive);
  subscriptions.unsubscribe(before);
  subscriptions.subscribe("pi", ["a.service"], listener);
  listener.take();
  subscriptions.unitStateChanged(pi, "a.service", "active", "running");
  await piAgent.answer("subscribe a.service", inactive);
  expect(listener.take()).toEqual(["new pi a.service virtual", "state pi a.service inactive dead virtual"]);
});

test("a later subscriber is introduced from what is known, without asking again", async () => {
  subscriptions.subscribe("pi", ["a.service"], new Listener());
  await piAgent.answer("subscribe a.service", inactive);
  subscriptions.unitStateChanged(pi, "a.service", "active", "running");
  piAgent.take();
  subscriptions.subscribe("pi", ["a.service"], listener);
  expect(listener.take()).toEqual(["new pi a.service virtual", "state pi a.service active running virtual"]);
  expect(piAgent.take()).toEqual([]);
});

test("all units: one virtual event for each node that is online, then every unit's events", () => {
  subscriptions.subscribe("*", ["*"], listener);
  expect(listener.take()).toEqual(["new pi * virtual"]);
  connect(nas);
  expect(listener.take()).toEqual(["new nas * virtual"]);
  subscriptions.unitNew(pi, "a.service");
  subscriptions.unitStateChanged(nas, "b.service", "active", "running");
  expect(listener.take()).toEqual(["new pi a.service real", "state nas b.service active running real"]);
});

test("several subscriptions of one subscriber to one unit give one event", async () => {
  subscriptions.subscribe("pi", ["a.service"], listener);
  subscriptions.subscribe("*", ["a.service", "a.service"], listener);
  subscriptions.subscribe("pi", ["*"], listener);
  await piAgent.answer("subscribe a.service", inactive);
  listener.take();
  subscriptions.unitStateChanged(pi, "a.service", "active", "running");
  expect(listener.take()).toEqual(["state pi a.service active running real"]);
});

test("a node that goes offline takes its loaded units along", async () => {
  subscriptions.subscribe("pi", ["a.service", "b.service", "c.service"], listener);
  await piAgent.answer("subscribe a.service", active);
  await piAgent.answer("subscribe b.service", inactive);
  await piAgent.answer("subscribe c.service", { ...inactive, loaded: false });
  subscriptions.subscribe("pi", ["*"], listener);
  listener.take();
  disconnect(pi);
  expect(listener.take()).toEqual([
    "state pi a.service inactive agent-offline virtual",
    "removed pi a.service virtual",
    "removed pi b.service virtual",
    "state pi * inactive agent-offline virtual",
    "removed pi * virtual",
  ]);
});

test("a node that returns is asked again and introduced anew", async () => {
  subscriptions.subscribe("pi", ["a.service"], listener);
  await piAgent.answer("subscribe a.service", active);
  disconnect(pi);
  listener.take();
  const returned = connect(pi);
  expect(returned.take()).toEqual(["subscribe a.service"]);
  await returned.answer("subscribe a.service", inactive);
  expect(listener.take()).toEqual(["new pi a.service virtual", "state pi a.service inactive dead virtual"]);
});

test("the agent hears of the first subscription and the last unsubscription only", async () => {
  const first = subscriptions.subscribe("pi", ["a.service"], listener);
  const second = subscriptions.subscribe("*", ["a.service"], new Listener());
  expect(piAgent.take()).toEqual(["subscribe a.service"]);
  subscriptions.unsubscribe(first);
  expect(piAgent.take()).toEqual([]);
  subscriptions.unsubscribe(second);
  subscriptions.unsubscribe(second);
  expect(piAgent.take()).toEqual(["unsubscribe a.service"]);
  subscriptions.unitNew(pi, "a.service");
  expect(listener.take()).toEqual([]);
});

test("a question that fails is asked again for the next subscriber, and nobody waits for it", async () => {
  const done: string[] = [];
  subscriptions.subscribe("pi", ["a.service"], new Listener());
  subscriptions.whenKnown(pi, "a.service", () => done.push("first"));
  await piAgent.refuse("subscribe a.service", new Failure(ErrorName.Timeout, "no answer"));
  expect(done).toEqual(["first"]);
  piAgent.take();
  subscriptions.subscribe("pi", ["a.service"], listener);
  subscriptions.whenKnown(pi, "a.service", () => done.push("second"));
  expect(piAgent.take()).toEqual(["subscribe a.service"]);
  await piAgent.answer("subscribe a.service", active);
  expect(done).toEqual(["first", "second"]);
  expect(listener.take()).toEqual(["new pi a.service virtual", "state pi a.service active running virtual"]);
});

test("many units are asked for a few at a time", async () => {
  const units = Array.from({ length: 200 }, (_, index) => `u${index}.service`);
  subscriptions.subscribe("pi", units, listener);
  expect(piAgent.take()).toHaveLength(64);
  for (const unit of units) await piAgent.answer(`subscribe ${unit}`, active);
  expect(listener.take()).toHaveLength(400);
});

test("what an older connection of a node still answers decides nothing", async () => {
  subscriptions.subscribe("pi", ["a.service"], listener);
  disconnect(pi);
  const returned = connect(pi);
  await piAgent.refuse("subscribe a.service", new Failure(ErrorName.NoReply, "Connection terminated"));
  await returned.answer("subscribe a.service", active);
  expect(listener.take()).toEqual(["new pi a.service virtual", "state pi a.service active running virtual"]);
});

test("a state that no systemd has is not passed on", async () => {
  subscriptions.subscribe("pi", ["a.service"], listener);
  await piAgent.answer("subscribe a.service", { ...active, activeState: "x".repeat(1000) });
  expect(listener.take()).toEqual([]);
});

test("an unknown node stays silent", () => {
  subscriptions.subscribe("nobody", ["*"], listener);
  expect(listener.take()).toEqual([]);
});
