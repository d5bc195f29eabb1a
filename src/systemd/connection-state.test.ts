import { expect, test } from "bun:test";
import { type ConnectionEvent, opening, step } from "./connection-state.ts";

const events = {
  needed: { type: "needed" },
  unneeded: { type: "unneeded" },
  opened: { type: "opened", needed: true },
  "opened for nobody": { type: "opened", needed: false },
  failed: { type: "failed" },
  lost: { type: "lost" },
  due: { type: "due" },
  ended: { type: "ended" },
} as const satisfies Record<string, ConnectionEvent>;

type Case = [what: string, events: (keyof typeof events)[], phase: string, effects: string[]];
const cases: Case[] = [
  ["stays open while it is needed", ["opened", "due", "needed"], "open", ["tellConnected"]],
  ["lingers when the last need ends", ["opened", "unneeded"], "lingering", ["tellConnected", "linger"]],
  ["is kept when it is needed soon", ["opened", "unneeded", "needed"], "open", ["tellConnected", "linger", "settle"]],
  ["is closed when it is not", ["opened for nobody", "due"], "closed", ["linger", "tellConnected", "close"]],
  [
    "is opened when it is needed again, and only once",
    ["opened for nobody", "due", "needed", "unneeded", "needed", "opened"],
    "open",
    ["linger", "tellConnected", "close", "open", "tellConnected"],
  ],
  [
    "is opened again when it is lost, needed or not",
    ["opened", "lost", "unneeded", "due", "failed", "due", "opened for nobody"],
    "lingering",
    ["tellConnected", "tellLost", "retry", "open", "retry", "open", "linger", "tellRecovered"],
  ],
  [
    "is not missed when nobody needs it",
    ["opened for nobody", "lost", "due"],
    "closed",
    ["linger", "tellConnected", "settle"],
  ],
  [
    "is lost when it cannot be opened",
    ["opened for nobody", "due", "needed", "failed", "needed", "due"],
    "opening",
    ["linger", "tellConnected", "close", "open", "tellLost", "retry", "open"],
  ],
  [
    "ends for good, and an attempt under way is given up",
    ["ended", "opened", "needed", "lost", "due"],
    "ended",
    ["settle", "close", "close"],
  ],
];

test.each(cases)("%s", (_, names, phase, expected) => {
  let state = opening;
  const effects: string[] = [];
  for (const name of names) {
    const result = step(state, events[name]);
    state = result.state;
    effects.push(...result.effects.map(({ type }) => type));
  }
  expect(state.phase).toBe(phase as typeof state.phase);
  expect(effects).toEqual(expected);
});
