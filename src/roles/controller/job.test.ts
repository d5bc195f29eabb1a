import { expect, test } from "bun:test";
import { type JobEffect, type JobEvent, type JobState, requested, step } from "./job.ts";

/** Runs events through a job's life. */
function run(events: readonly JobEvent[]): { state: JobState; effects: JobEffect[] } {
  let state = requested;
  const effects: JobEffect[] = [];
  for (const event of events) {
    const result = step(state, event);
    state = result.state;
    effects.push(...result.effects);
  }
  return { state, effects };
}

const accepted: JobEvent = { type: "accepted" };
const running: JobEvent = { type: "running" };
const refused: JobEvent = { type: "refused" };
const removed = (result: string): JobEvent => ({ type: "removed", result });

const cases: [string, JobEvent[], JobState["phase"], (JobEffect["type"] | string)[]][] = [
  ["the plain way", [accepted, running, removed("done")], "ended", ["new", "stateChanged", "removed done"]],
  ["too short to be seen running", [accepted, removed("failed")], "ended", ["new", "removed failed"]],
  [
    "over before it is announced",
    [running, removed("done"), accepted],
    "ended",
    ["new", "stateChanged", "removed done"],
  ],
  ["the first result counts", [removed("done"), removed("failed"), accepted], "ended", ["new", "removed done"]],
  ["running before it is announced", [running, accepted], "running", ["new", "stateChanged"]],
  ["told to run twice", [accepted, running, running], "running", ["new", "stateChanged"]],
  ["refused", [refused, accepted, removed("done")], "ended", []],
  ["ended jobs stay so", [accepted, removed("done"), running, removed("failed")], "ended", ["new", "removed done"]],
];

test.each(cases)("%s", (_, events, phase, told) => {
  const { state, effects } = run(events);
  expect(state.phase).toBe(phase);
  expect(effects.map((effect) => (effect.type === "removed" ? `removed ${effect.result}` : effect.type))).toEqual(told);
});
