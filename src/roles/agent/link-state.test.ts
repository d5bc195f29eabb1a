import { expect, test } from "bun:test";
import { initial, type LinkEvent, step } from "./link-state.ts";

type Case = [what: string, events: LinkEvent["type"][], phase: string, effects: string[]];
const cases: Case[] = [
  ["connects at the first try", ["due", "joined"], "online", ["connect 1", "tellOnline"]],
  [
    "tries again, later each time",
    ["due", "failed", "due", "failed"],
    "idle",
    ["connect 1", "later", "connect 2", "later"],
  ],
  [
    "counts anew after it was up",
    ["due", "failed", "due", "joined", "lost", "due"],
    "connecting",
    ["connect 1", "later", "connect 2", "tellOnline", "tellOffline", "soon", "connect 1"],
  ],
  [
    "switches while online",
    ["due", "joined", "switched", "due"],
    "connecting",
    ["connect 1", "tellOnline", "drop", "tellOffline", "soon", "connect 1"],
  ],
  ["switches while it connects", ["due", "switched"], "idle", ["connect 1", "drop", "soon"]],
  ["switches while it waits", ["due", "failed", "switched"], "idle", ["connect 1", "later", "soon"]],
  [
    "rests while paused",
    ["due", "joined", "paused", "due", "lost", "switched"],
    "paused",
    ["connect 1", "tellOnline", "drop", "tellOffline"],
  ],
  [
    "resumes",
    ["due", "joined", "paused", "resumed"],
    "idle",
    ["connect 1", "tellOnline", "drop", "tellOffline", "soon"],
  ],
  ["resumes only when it was paused", ["due", "resumed"], "connecting", ["connect 1"]],
  [
    "stays stopped",
    ["due", "joined", "stopped", "due", "lost", "resumed", "switched"],
    "stopped",
    ["connect 1", "tellOnline", "drop", "tellOffline"],
  ],
  ["stops while it connects", ["due", "stopped", "joined", "failed"], "stopped", ["connect 1", "drop"]],
];

test.each(cases)("%s", (_, events, phase, expected) => {
  let state = initial;
  const effects: string[] = [];
  for (const type of events) {
    const result = step(state, { type });
    state = result.state;
    for (const effect of result.effects) {
      if (effect.type === "connect") effects.push(`connect ${effect.attempt}`);
      else effects.push(effect.type === "schedule" ? (effect.soon ? "soon" : "later") : effect.type);
    }
  }
  expect(state.phase).toBe(phase as typeof state.phase);
  expect(effects).toEqual(expected);
});
