import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake-clock.ts";
import { begin, Heartbeat, step } from "./heartbeat.ts";

const options = { intervalMs: 2000, thresholdMs: 6000 };
const never = Number.POSITIVE_INFINITY;

test("either direction can be off", () => {
  expect(begin({ intervalMs: 0, thresholdMs: 0 }, 5)).toEqual({ beatMs: never, checkMs: never });
  expect(begin({ intervalMs: 0, thresholdMs: 6000 }, 5)).toEqual({ beatMs: never, checkMs: 6005 });
  expect(begin({ intervalMs: 2000, thresholdMs: 0 }, 5)).toEqual({ beatMs: 2005, checkMs: never });
});

const table = [
  {
    case: "nothing is due",
    state: [2000, 6000],
    nowMs: 1999,
    heardMs: 0,
    next: [2000, 6000],
    beat: false,
    lost: false,
  },
  { case: "a beat is due", state: [2000, 6000], nowMs: 2000, heardMs: 0, next: [4000, 6000], beat: true, lost: false },
  {
    case: "beats missed are not made up for",
    state: [2000, 60000],
    nowMs: 9000,
    heardMs: 0,
    next: [11000, 60000],
    beat: true,
    lost: false,
  },
  {
    case: "the peer was heard since",
    state: [8000, 6000],
    nowMs: 6000,
    heardMs: 5500,
    next: [8000, 11500],
    beat: false,
    lost: false,
  },
  {
    case: "the peer is silent",
    state: [8000, 6000],
    nowMs: 6000,
    heardMs: 0,
    next: [8000, never],
    beat: false,
    lost: true,
  },
  {
    case: "loss goes before a beat",
    state: [6000, 6000],
    nowMs: 6000,
    heardMs: 0,
    next: [8000, never],
    beat: false,
    lost: true,
  },
  {
    case: "heard a moment too long ago",
    state: [8000, 6000],
    nowMs: 6001,
    heardMs: 1,
    next: [8000, never],
    beat: false,
    lost: true,
  },
  {
    case: "we overslept",
    state: [80000, 6000],
    nowMs: 7000,
    heardMs: 0,
    next: [80000, 8000],
    beat: false,
    lost: false,
  },
  {
    case: "and still nothing",
    state: [80000, 8000],
    nowMs: 8000,
    heardMs: 0,
    next: [80000, never],
    beat: false,
    lost: true,
  },
] as const;

test.each(table)("$case", ({ state: [beatMs, checkMs], nowMs, heardMs, next, beat, lost }) => {
  const result = step(options, { beatMs, checkMs }, { nowMs, heardMs });
  expect(result).toEqual({ state: { beatMs: next[0], checkMs: next[1] }, beat, lost });
});

test("beats, listens, and stops at the loss", () => {
  const clock = new FakeClock();
  let heardMs = 0;
  const seen: string[] = [];
  const port = {
    beat: () => void seen.push(`beat ${clock.monotonicMs()}`),
    heardMs: () => heardMs,
    lost: () => void seen.push(`lost ${clock.monotonicMs()}`),
  };
  new Heartbeat(options, port, clock);
  clock.advance(3000);
  heardMs = 3000;
  clock.advance(60_000);
  expect(seen).toEqual(["beat 2000", "beat 4000", "beat 6000", "beat 8000", "lost 9000"]);
  expect(clock.pending).toBe(0);
});

test("sets no timer when both are off, nor after stop", () => {
  const clock = new FakeClock();
  const port = { beat: () => {}, heardMs: () => 0, lost: () => {} };
  new Heartbeat({ intervalMs: 0, thresholdMs: 0 }, port, clock);
  expect(clock.pending).toBe(0);
  const heartbeat = new Heartbeat(options, port, clock);
  expect(clock.pending).toBe(1);
  heartbeat.stop();
  expect(clock.pending).toBe(0);
});
