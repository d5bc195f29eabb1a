import { expect, test } from "bun:test";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import { Link } from "./link.ts";

test("attempts in vain come later and later, and are logged up to a number", async () => {
  const clock = new FakeClock();
  const lines: string[] = [];
  const attempts: number[] = [];
  const link = new Link({
    addresses: ["tcp:host=controller,port=842"],
    failback: true,
    clock,
    log: new Log({ target: "stderr", write: (line) => lines.push(line.replace(/^.*\t: /, "").trim()) }),
    attemptsUntilQuiet: 2,
    maxDelayMs: 1000,
    random: () => 1,
    probe: () => Promise.reject(new Error("not asked")),
    join: () => {
      attempts.push(clock.monotonicMs());
      return Promise.reject(new Error("nobody answers"));
    },
    listener: { online: () => {}, offline: () => {}, addressChanged: () => {} },
  });
  await link.start();
  for (let turn = 0; turn < 8; turn++) {
    clock.advance(1000);
    await new Promise(setImmediate);
  }
  expect(attempts.length).toBeGreaterThan(5);
  expect(lines).toEqual([
    "Connecting to controller on tcp:host=controller,port=842",
    "Agent connection attempt failed, retrying: nobody answers",
    "Trying to connect to controller (try 1)",
    "Connecting to controller on tcp:host=controller,port=842",
    "Agent connection attempt failed, retrying: nobody answers",
    "Quieting down logs after connection retry failed 2x...",
  ]);
  link.stop("the test is over");
  expect(clock.pending).toBe(0);
});
