import { expect, test } from "bun:test";
import { type ProxyEvent, type ProxyState, started, step, waiting } from "./proxy.ts";

const activated = (result: string): ProxyEvent => ({ type: "activated", result, message: `start: ${result}` });
const target = (activeState: string, reason = "real"): ProxyEvent => ({ type: "targetChanged", activeState, reason });
const gone = (reason = "real"): ProxyEvent => ({ type: "targetRemoved", reason });
const refused: ProxyEvent = { type: "refused", message: "denied" };
const removed: ProxyEvent = { type: "removed" };
const lost: ProxyEvent = { type: "targetLost", message: "away" };
const announced: ProxyEvent = { type: "announced" };

type Case = [what: string, from: ProxyState, events: ProxyEvent[], phase: ProxyState["phase"], effects: string[]];
const cases: Case[] = [
  ["the start is reported done", waiting, [activated("done")], "started", ["succeed"]],
  ["the target is seen active first", waiting, [target("active"), activated("done")], "started", ["succeed"]],
  ["the target has been active all along", waiting, [target("active", "virtual")], "waiting", []],
  [
    "the target is active, but its node does not let others need it",
    waiting,
    [target("active", "virtual"), target("active"), activated("failed")],
    "ended",
    ["fail start: failed", "release"],
  ],
  [
    "the start fails",
    waiting,
    [target("failed"), activated("dependency")],
    "ended",
    ["fail start: dependency", "release"],
  ],
  ["the target is missing", waiting, [activated("failed")], "ended", ["fail start: failed", "release"]],
  ["refused", waiting, [refused], "ended", ["fail denied"]],
  ["a failure of long ago decides nothing", waiting, [target("failed", "virtual")], "waiting", []],
  [
    "it was stopping when it was needed",
    waiting,
    [target("inactive"), target("activating"), activated("done")],
    "started",
    ["succeed"],
  ],
  [
    "it ended before its start was reported",
    waiting,
    [target("failed"), activated("done")],
    "ended",
    ["succeed", "stopUnit it has stopped already", "release"],
  ],
  [
    "it starts, then fails",
    waiting,
    [target("active"), activated("done"), target("failed")],
    "ended",
    ["succeed", "stopUnit it is failed", "release"],
  ],
  ["whoever waited is gone", waiting, [removed], "ended", ["fail Proxy service stopped", "release"]],
  ["a target that unloads while it is waited for", waiting, [gone()], "waiting", []],
  ["the target stops", started, [target("inactive")], "ended", ["stopUnit it is inactive", "release"]],
  ["the target is being stopped", started, [target("deactivating")], "started", []],
  ["the target's node goes offline", started, [target("inactive", "virtual"), gone("virtual")], "started", []],
  ["the target unloads", started, [gone()], "ended", ["stopUnit it is gone", "release"]],
  ["the target's node stays away", started, [lost], "ended", ["stopUnit away", "release"]],
  ["it is still away after a reconnection", started, [announced, lost], "ended", ["stopUnit away", "release"]],
  ["what waits for a node that stays away", waiting, [announced, lost, activated("done")], "started", ["succeed"]],
  ["started again after a reconnection", started, [activated("done")], "started", []],
  [
    "not startable after a reconnection",
    started,
    [activated("failed")],
    "ended",
    ["stopUnit start: failed", "release"],
  ],
  ["no longer allowed after a reconnection", started, [refused], "ended", ["stopUnit denied", "release"]],
  [
    "announced again, the target has stayed",
    started,
    [announced, target("active", "virtual"), activated("done")],
    "started",
    [],
  ],
  [
    "announced again, seen active and about to stop",
    started,
    [announced, target("active", "virtual"), target("inactive")],
    "resumed",
    [],
  ],
  [
    "announced again while the target stops for want of users, and is started once more",
    started,
    [announced, target("inactive"), gone(), target("activating"), activated("done"), target("active")],
    "started",
    [],
  ],
  [
    "announced again, not startable any more",
    started,
    [announced, target("failed"), activated("dependency")],
    "ended",
    ["stopUnit start: dependency", "release"],
  ],
  ["announced again, denied", started, [announced, refused], "ended", ["stopUnit denied", "release"]],
  ["announced again, then stopped", started, [announced, removed], "ended", ["release"]],
  ["the proxy unit stops", started, [removed, target("failed"), removed], "ended", ["release"]],
];

test.each(cases)("%s", (_, from, events, phase, expected) => {
  let state = from;
  const effects: string[] = [];
  for (const event of events) {
    const result = step(state, event);
    state = result.state;
    for (const effect of result.effects) {
      effects.push("message" in effect ? `${effect.type} ${effect.message}` : effect.type);
    }
  }
  expect(state.phase).toBe(phase);
  expect(effects).toEqual(expected);
});
