import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake-clock.ts";
import { answer, begin, Heartbeat, step } from "./heartbeat.ts";

const options = { intervalMs: 2000, thresholdMs: 6000 };
const never = Number.POSITIVE_INFINITY;

test("either direction can be off", () => {
  expect(begin({ intervalMs: 0, thresholdMs: 0 }, 5)).toEqual({ beatMs: never, checkMs: never, givenMs: 0 });
  expect(begin({ intervalMs: 0, thresholdMs: 6000 }, 5)).toEqual({ beatMs: never, checkMs: 6005, givenMs: 0 });
  expect(begin({ intervalMs: 2000, thresholdMs: 0 }, 5)).toEqual({ beatMs: 2005, checkMs: never, givenMs: 0 });
});

/** The state before and after: the next beat, the next check, and the time that was given beyond the threshold. */
type State = readonly [beatMs: number, checkMs: number, givenMs?: number];
interface Case {
  readonly what: string;
  readonly state: State;
  readonly nowMs: number;
  readonly heardMs: number;
  readonly next: State;
  readonly beat?: true;
  readonly lost?: true;
}

const table: readonly Case[] = [
  { what: "nothing is due", state: [2000, 6000], nowMs: 1999, heardMs: 0, next: [2000, 6000] },
  { what: "a beat is due", state: [2000, 6000], nowMs: 2000, heardMs: 0, next: [4000, 6000], beat: true },
  {
    what: "beats missed are not made up for",
    state: [2000, 60000],
    nowMs: 9000,
    heardMs: 0,
    next: [11000, 60000],
    beat: true,
  },
  {
    what: "it was heard, as is seen before its check",
    state: [4000, 6000],
    nowMs: 4000,
    heardMs: 3500,
    next: [6000, 9500],
    beat: true,
  },
  { what: "the peer was heard since", state: [8000, 6000], nowMs: 6000, heardMs: 5500, next: [8000, 11500] },
  { what: "the peer is silent", state: [8000, 6000], nowMs: 6000, heardMs: 0, next: [8000, never], lost: true },
  { what: "loss goes before a beat", state: [6000, 6000], nowMs: 6000, heardMs: 0, next: [8000, never], lost: true },
  {
    what: "heard a moment too long ago",
    state: [8000, 6000],
    nowMs: 6001,
    heardMs: 1,
    next: [8000, never],
    lost: true,
  },
  { what: "we were late", state: [80000, 6000], nowMs: 6300, heardMs: 0, next: [80000, 6600, 300] },
  { what: "we overslept", state: [80000, 6000], nowMs: 9000, heardMs: 0, next: [80000, 10000, 1000] },
  {
    what: "and still nothing",
    state: [80000, 8000, 1000],
    nowMs: 8049,
    heardMs: 0,
    next: [80000, never, 1000],
    lost: true,
  },
  { what: "we are late again", state: [80000, 8000, 1000], nowMs: 8300, heardMs: 0, next: [80000, 8600, 1300] },
  {
    what: "late all the time",
    state: [80000, 8000, 30_000],
    nowMs: 8300,
    heardMs: 0,
    next: [80000, never, 30_000],
    lost: true,
  },
  { what: "but it was heard", state: [80000, 8000, 1000], nowMs: 8000, heardMs: 7900, next: [80000, 13900] },
];

const stateOf = ([beatMs, checkMs, givenMs = 0]: readonly [number, number, number?]) => ({
  beatMs,
  checkMs,
  givenMs,
});

test.each(table)("$what", ({ state, nowMs, heardMs, next, beat = false, lost = false }) => {
  expect(step(options, stateOf(state), { nowMs, heardMs })).toEqual({ state: stateOf(next), beat, lost });
});

test.each([
  ["comes at once when it is due soon", 10_900, [12_500, true]],
  ["waits when one was sent just now, but for the peer's next one", 12_000, [12_500, false]],
  ["is never when it is off", never, [never, false]],
])("an answer %s", (_what, beatMs, [nextMs, beat]) => {
  const intervalMs = beatMs === never ? 0 : 2000;
  const before = { beatMs, checkMs: 15_000, givenMs: 0 };
  expect(answer({ intervalMs, thresholdMs: 6000 }, before, 10_000)).toEqual({
    state: { ...before, beatMs: nextMs as number },
    beat: beat as boolean,
  });
});

test("who answers beats with the peer, and alone as soon as the peer does not", () => {
  const clock = new FakeClock();
  const beats: number[] = [];
  const port = { beat: () => void beats.push(clock.monotonicMs()), heardMs: () => clock.monotonicMs(), lost: () => {} };
  const heartbeat = new Heartbeat(options, port, clock);
  for (let count = 0; count < 3; count++) {
    clock.advance(count === 0 ? 1990 : 2000);
    heartbeat.answer();
  }
  clock.advance(5000);
  heartbeat.stop();
  expect(beats).toEqual([1990, 3990, 5990, 8490, 10_490]);
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

test("many connections that are alive take a few looks together", () => {
  class CountingClock extends FakeClock {
    count = 0;

    override after(delayMs: number, fire: () => void) {
      this.count++;
      return super.after(delayMs, fire);
    }
  }
  const clock = new CountingClock();
  const heard = Array.from({ length: 20 }, () => 0);
  const lost: number[] = [];
  const beats = heard.map((_, index) => {
    const port = { beat: () => {}, heardMs: () => heard[index] ?? 0, lost: () => void lost.push(index) };
    return new Heartbeat(options, port, clock);
  });
  // Each is heard every two seconds, at a time of its own; one falls silent in the middle.
  for (let at = 0; at < 60_000; at += 100) {
    clock.advance(100);
    const index = (at / 100) % 20;
    if (index === 7 && at > 30_000) continue;
    heard[index] = clock.monotonicMs();
    beats[index]?.answer();
  }
  expect(lost).toEqual([7]);
  expect(clock.pending).toBe(1);
  // By a timer each it would be 480, and 200 more for the checks.
  expect(clock.count).toBeLessThan(140);
  for (const beat of beats) beat.stop();
  expect(clock.pending).toBe(0);
});
