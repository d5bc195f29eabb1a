import { expect, test } from "bun:test";
import { FakeClock } from "../base/fake-clock.ts";
import { Crowd, type Guest, usualRate } from "./crowd.ts";

const { burst: maxBurst, perSecond: maxPerSecond } = usualRate;

test("an address may come so often, then so many times a second, whatever others do", () => {
  const clock = new FakeClock();
  const crowd = new Crowd(clock);
  const coming = (peer: string, count: number) =>
    Array.from({ length: count }, () => crowd.comes(peer)).filter(Boolean);
  expect(coming("flood", maxBurst + 500).length).toBe(maxBurst);
  expect(crowd.comes("honest")).toBe(true);
  clock.advance(500);
  expect(coming("flood", maxPerSecond).length).toBe(maxPerSecond / 2);
  clock.advance(3_600_000);
  expect(coming("flood", maxBurst + 500).length).toBe(maxBurst);
});

test("of more addresses than are remembered, the one that was away the longest is forgotten", () => {
  const crowd = new Crowd(new FakeClock());
  for (let count = 0; count < maxBurst; count++) crowd.comes("flood");
  expect(crowd.comes("flood")).toBe(false);
  for (let count = 0; count < 4095; count++) crowd.comes(`${count}`);
  expect(crowd.comes("flood")).toBe(false);
  for (let count = 0; count < 4096; count++) crowd.comes(`${count}`);
  expect(crowd.comes("flood")).toBe(true);
});

test("the oldest of the address with the most has to make room", () => {
  const crowd = new Crowd<Guest & { name: string }>(new FakeClock());
  const guest = (peer: string, name: string) => {
    const made = { peer, name };
    crowd.add(made);
    return made;
  };
  expect(crowd.superfluous).toBeUndefined();
  const first = guest("honest", "1");
  const [flood] = ["2", "3", "4"].map((name) => guest("flood", name));
  guest("honest", "5");
  expect(crowd.superfluous).toBe(flood);
  crowd.delete(flood!);
  crowd.delete(flood!);
  expect(crowd.size).toBe(4);
  expect(crowd.superfluous).toBe(first);
  expect([...crowd].map(({ name }) => name).sort()).toEqual(["1", "3", "4", "5"]);
});
