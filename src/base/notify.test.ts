import { afterEach, expect, test } from "bun:test";
import { FakeClock } from "./fake-clock.ts";
import { feedWatchdog } from "./notify.ts";

const names = ["WATCHDOG_USEC", "WATCHDOG_PID"] as const;

afterEach(() => {
  for (const name of names) delete process.env[name];
});

test("the watchdog is fed twice in its time, and again and again", () => {
  process.env.WATCHDOG_USEC = "30000000";
  for (const pid of [undefined, `${process.pid}`]) {
    if (pid !== undefined) process.env.WATCHDOG_PID = pid;
    const clock = new FakeClock();
    feedWatchdog(clock);
    for (const at of [15_000, 30_000, 45_000]) {
      expect(clock.nextMs).toBe(at);
      clock.advance(15_000);
    }
  }
});

test("a watchdog that is off, or another process's, is not fed", () => {
  for (const [usec, pid] of [
    [undefined, undefined],
    ["0", undefined],
    ["soon", undefined],
    ["30000000", "1"],
  ]) {
    if (usec !== undefined) process.env.WATCHDOG_USEC = usec;
    if (pid !== undefined) process.env.WATCHDOG_PID = pid;
    const clock = new FakeClock();
    feedWatchdog(clock);
    expect(clock.pending).toBe(0);
  }
});
