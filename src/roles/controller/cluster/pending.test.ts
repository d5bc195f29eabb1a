import { expect, test } from "bun:test";
import { FakeClock } from "../../../base/fake-clock.ts";
import { Attempts, attemptsInAll, attemptsOfPeer } from "./attempts.ts";
import { decisiveDigits, forgottenMs, maxPending, maxPendingOfPeer, Pending } from "./pending.ts";

const [aa, bb] = ["aa".repeat(32), "bb".repeat(32)] as const;

test("who asks waits until somebody decides, or until nobody asks any more", () => {
  const pending = new Pending();
  pending.ask("pi", aa, "10.0.0.9", 0);
  pending.ask("pi", aa, "10.0.0.8", 1000);
  expect(pending.open(1000)).toEqual([
    { node: "pi", fingerprint: aa, peer: "10.0.0.8", sinceMs: 0, lastMs: 1000, denied: false },
  ]);
  pending.delete(pending.find("pi", aa, 1000));
  expect(pending.open(1000)).toEqual([]);
  pending.ask("pi", aa, "10.0.0.9", 2000);
  expect(pending.open(2000 + forgottenMs)).toHaveLength(1);
  expect(pending.open(2001 + forgottenMs)).toEqual([]);
});

test("who is approved is told by the key, also when nobody else asks for the name any more", () => {
  const pending = new Pending();
  pending.ask("pi", aa, "10.0.0.9", 0);
  pending.ask("pi", bb, "10.0.0.66", forgottenMs);
  pending.ask("nas", aa, "10.0.0.9", forgottenMs);
  const find = (prefix: string, nowMs: number) => pending.find("pi", prefix, nowMs).fingerprint;
  expect(find(aa.slice(0, decisiveDigits), forgottenMs)).toBe(aa);
  expect(find(bb, forgottenMs)).toBe(bb);
  for (const short of ["", bb.slice(0, decisiveDigits - 1)])
    expect(() => find(short, forgottenMs + 1)).toThrow(
      "name it by the first 16 digits of the key that it shows, or all",
    );
  expect(() => find(aa, forgottenMs + 1)).toThrow("nobody with this key asks to join as 'pi'");
});

test("who is denied may not ask with that key again", () => {
  const pending = new Pending();
  pending.ask("pi", aa, "10.0.0.9", 0);
  pending.ask("pi", bb, "10.0.0.66", 0);
  pending.deny("pi", "bb", 0);
  expect(pending.open(0).map(({ fingerprint }) => fingerprint)).toEqual([aa]);
  expect(() => pending.ask("pi", bb, "10.0.0.66", 1)).toThrow("the request to join as 'pi' was denied");
  expect(() => pending.deny("pi", "bb", 0)).toThrow("nobody with this key");
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
