import { expect, test } from "bun:test";
import { Alarm } from "./alarm.ts";
import { FakeClock } from "./fake-clock.ts";

/** Deadlines with an alarm, and the times at which it has rung. */
function deadlines() {
  const clock = new FakeClock();
  const rung: number[] = [];
  const due: number[] = [];
  const alarm = new Alarm(clock, (nowMs) => {
    rung.push(nowMs);
    return Math.min(...due.filter((atMs) => atMs > nowMs));
  });
  const by = (atMs: number) => {
    due.push(atMs);
    alarm.by(atMs);
  };
  return { clock, rung, by };
}

test("it rings for each deadline, whatever the order they are told in, with one timer", () => {
  const { clock, rung, by } = deadlines();
  for (const atMs of [20, 10, 30]) by(atMs);
  expect(clock.pending).toBe(1);
  clock.advance(100);
  expect(rung).toEqual([10, 20, 30]);
  expect(clock.pending).toBe(0);
});

test("it can be set again after it rang, and within", () => {
  const clock = new FakeClock();
  const rung: number[] = [];
  const alarm: Alarm = new Alarm(clock, (nowMs) => {
    rung.push(nowMs);
    if (nowMs === 10) alarm.by(15);
    return nowMs === 10 ? 40 : Number.POSITIVE_INFINITY;
  });
  alarm.by(10);
  clock.advance(20);
  expect(rung).toEqual([10, 15]);
  alarm.by(25);
  clock.advance(100);
  expect(rung).toEqual([10, 15, 25]);
});
