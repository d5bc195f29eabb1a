import { expect, test } from "bun:test";
import { initial, type LinkEffect, type LinkEvent, step } from "./link-state.ts";

const events: Record<string, LinkEvent> = {
  due: { type: "due" },
  joined: { type: "joined" },
  failed: { type: "failed", taken: false },
  taken: { type: "failed", taken: true },
  lost: { type: "lost", displaced: false },
  displaced: { type: "lost", displaced: true },
  "better 0": { type: "better", candidate: 0 },
  "better 1": { type: "better", candidate: 1 },
  switched: { type: "switched" },
  paused: { type: "paused" },
  resumed: { type: "resumed" },
  stopped: { type: "stopped" },
};

type Case = [what: string, candidates: number, events: string, phase: string, effects: string];
const online = "connect 0 #1, use 0, tellOnline";
const onSecond = "connect 0 #1, connect 1 #2, use 1, tellOnline, watch 1";
const cases: Case[] = [
  ["connects at the first try", 1, "due, joined", "online", online],
  [
    "tries again, later each time",
    1,
    "due, failed, due, failed",
    "idle",
    "connect 0 #1, growing, connect 0 #2, growing",
  ],
  [
    "counts anew after it was up",
    1,
    "due, failed, due, joined, lost, due",
    "connecting",
    "connect 0 #1, growing, connect 0 #2, use 0, tellOnline, tellOffline, none, connect 0 #1",
  ],
  [
    "switches while online",
    1,
    "due, joined, switched, due",
    "connecting",
    `${online}, drop, tellOffline, none, connect 0 #1`,
  ],
  ["switches while it connects", 1, "due, switched", "idle", "connect 0 #1, drop, none"],
  ["switches while it waits", 1, "due, failed, switched", "idle", "connect 0 #1, growing, none"],
  ["rests while paused", 1, "due, joined, paused, due, lost, switched", "paused", `${online}, drop, tellOffline`],
  ["resumes", 1, "due, joined, paused, resumed", "idle", `${online}, drop, tellOffline, none`],
  ["resumes only when it was paused", 1, "due, resumed", "connecting", "connect 0 #1"],
  [
    "stays stopped",
    2,
    "due, joined, stopped, due, lost, resumed, switched, better 0",
    "stopped",
    `${online}, drop, tellOffline`,
  ],
  ["stops while it connects", 1, "due, stopped, joined, failed", "stopped", "connect 0 #1, drop"],

  [
    "tries one after the other, and waits only after the last",
    3,
    "due, failed, failed, failed, due",
    "connecting",
    "connect 0 #1, connect 1 #2, connect 2 #3, growing, connect 0 #4",
  ],
  ["takes the second when the first does not answer", 2, "due, failed, joined", "online", onSecond],
  [
    "begins with the first when the second is lost",
    2,
    "due, failed, joined, lost, due",
    "connecting",
    `${onSecond}, tellOffline, none, connect 0 #1`,
  ],
  [
    "goes back to a better one",
    2,
    "due, failed, joined, better 0, joined",
    "online",
    `${onSecond}, use 0, drop, tellOffline, connect 0 #1, use 0, tellOnline`,
  ],
  [
    "goes on with the next when the better one fails after all",
    2,
    "due, failed, joined, better 0, failed, joined",
    "online",
    `${onSecond}, use 0, drop, tellOffline, connect 0 #1, connect 1 #2, use 1, tellOnline, watch 1`,
  ],
  ["does not go to one that is not better", 2, "due, failed, joined, better 1", "online", onSecond],
  ["goes nowhere else while it connects", 2, "due, failed, better 0", "connecting", "connect 0 #1, connect 1 #2"],

  [
    "stands back for another agent, and asks",
    1,
    "due, joined, displaced, due, taken, due, joined",
    "online",
    `${online}, tellOffline, long, connect 0 #1 politely, long, connect 0 #2 politely, use 0, tellOnline`,
  ],
  [
    "does not go elsewhere while another one has the name",
    2,
    "due, joined, displaced, due, taken",
    "idle",
    `${online}, tellOffline, long, connect 0 #1 politely, long`,
  ],
  [
    "asks elsewhere, too, when the controller where it was displaced is gone",
    2,
    "due, joined, displaced, due, failed, taken, due",
    "connecting",
    `${online}, tellOffline, long, connect 0 #1 politely, connect 1 #2 politely, long, connect 0 #3 politely`,
  ],
  [
    "is no longer displaced when it is switched",
    1,
    "due, joined, displaced, switched, due",
    "connecting",
    `${online}, tellOffline, long, none, connect 0 #1`,
  ],
];

function text(effect: LinkEffect): string {
  switch (effect.type) {
    case "connect":
      return `connect ${effect.candidate} #${effect.attempt}${effect.politely ? " politely" : ""}`;
    case "schedule":
      return effect.delay;
    case "use":
    case "watch":
      return `${effect.type} ${effect.candidate}`;
    default:
      return effect.type;
  }
}

test.each(cases)("%s", (_, candidates, happened, phase, expected) => {
  let state = initial;
  const effects: string[] = [];
  for (const name of happened.split(", ")) {
    const event = events[name];
    if (!event) throw new Error(`no event ${name}`);
    const result = step(state, event, candidates);
    state = result.state;
    effects.push(...result.effects.map(text));
  }
  expect(state.phase).toBe(phase as typeof state.phase);
  expect(effects.join(", ")).toBe(expected);
});
