import { expect, test } from "bun:test";
import { FakeClock } from "../../../base/fake-clock.ts";
import { Attempts, attemptsInAll, attemptsOfPeer } from "./attempts.ts";
import { forgottenMs, maxPending, maxPendingOfPeer, Pending } from "./pending.ts";

test("who asks waits until somebody decides, or until nobody asks any more", () => {
  const pending = new Pending();
  pending.ask("pi", "aa11", "10.0.0.9", 0);
  pending.ask("pi", "aa11", "10.0.0.8", 1000);
  expect(pending.open(1000)).toEqual([
    { node: "pi", fingerprint: "aa11", peer: "10.0.0.8", sinceMs: 0, lastMs: 1000, denied: false },
  ]);
  pending.delete(pending.find("pi", "", 1000));
  expect(pending.open(1000)).toEqual([]);
  pending.ask("pi", "aa11", "10.0.0.9", 2000);
  expect(pending.open(2000 + forgottenMs)).toHaveLength(1);
  expect(pending.open(2001 + forgottenMs)).toEqual([]);
});

test("of several that ask for the same name the key tells which is meant", () => {
  const pending = new Pending();
  pending.ask("pi", "aa11", "10.0.0.9", 0);
  pending.ask("pi", "aa22", "10.0.0.66", 0);
  pending.ask("nas", "aa11", "10.0.0.9", 0);
  expect(() => pending.find("pi", "", 0)).toThrow(
    "several hosts ask to join as 'pi', name the key: aa11 from 10.0.0.9, aa22 from 10.0.0.66",
  );
  expect(() => pending.find("pi", "aa", 0)).toThrow("several");
  expect(() => pending.find("pi", "bb", 0)).toThrow("nobody with this key asks to join as 'pi'");
  expect(pending.find("pi", "aa1", 0).fingerprint).toBe("aa11");
  pending.deny("pi", "aa2", 0);
  expect(pending.find("pi", "", 0).fingerprint).toBe("aa11");
  expect(() => pending.ask("pi", "aa22", "10.0.0.66", 1)).toThrow("the request to join as 'pi' was denied");
  expect(() => pending.deny("pi", "aa2", 0)).toThrow("nobody with this key");
});

test("beyond the bounds nobody else may wait", () => {
  const pending = new Pending();
  for (let index = 0; index < maxPendingOfPeer; index++) pending.ask("pi", `${index}`, "10.0.0.9", 0);
  expect(() => pending.ask("pi", "one more", "10.0.0.9", 0)).toThrow("too many requests to join wait");
  for (let index = maxPendingOfPeer; index < maxPending; index++) pending.ask("pi", `${index}`, `10.0.1.${index}`, 0);
  expect(() => pending.ask("pi", "one more", "10.0.0.10", 0)).toThrow("too many requests to join wait");
  pending.ask("pi", "0", "10.0.0.9", 1);
  pending.ask("pi", "one more", "10.0.0.10", forgottenMs + 1);
  expect(pending.open(forgottenMs + 1)).toHaveLength(2);
});

test("an address may try so often, and all together", () => {
  const clock = new FakeClock();
  const attempts = new Attempts(clock);
  const { burst, perSecond } = attemptsOfPeer;
  for (let count = 0; count < burst; count++) attempts.count("10.0.0.9");
  expect(() => attempts.count("10.0.0.9")).toThrow("too many attempts to join");
  attempts.count("10.0.0.8");
  clock.advance(1000);
  for (let count = 0; count < perSecond; count++) attempts.count("10.0.0.9");
  expect(() => attempts.count("10.0.0.9")).toThrow("too many attempts to join");
  clock.advance(3_600_000);
  for (let index = 0; index < attemptsInAll.burst; index++) attempts.count(`10.0.1.${index}`);
  expect(() => attempts.count("10.0.0.10")).toThrow("too many attempts to join");
});
