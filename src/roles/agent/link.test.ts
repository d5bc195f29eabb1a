import { expect, test } from "bun:test";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import { type ControllerSession, Link } from "./link.ts";

test("a session that is lost in the moment of its birth is tried for again", async () => {
  const clock = new FakeClock();
  const online: unknown[] = [];
  const session = (closed: boolean) =>
    ({ closed, gone: Promise.resolve(), close: () => {} }) as unknown as ControllerSession;
  let attempts = 0;
  const link = new Link({
    addresses: ["unix:path=/x"],
    failback: true,
    clock,
    log: new Log({ quiet: true }),
    attemptsUntilQuiet: 2,
    maxDelayMs: 1000,
    probe: () => Promise.reject(new Error("not asked")),
    join: async (_address, { lost }) => {
      if (++attempts > 1) return session(false);
      lost("the controller is stopping", 0);
      return session(true);
    },
    listener: { online: (joined) => online.push(joined), offline: () => {}, addressChanged: () => {} },
  });
  await link.start();
  expect(online).toEqual([]);
  clock.advance(1000);
  await new Promise(setImmediate);
  expect(online.length).toBe(1);
  expect(link.session?.closed).toBe(false);
  link.stop("the test is over");
});

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
