import { expect, test } from "bun:test";
import { Backoff } from "./backoff.ts";

test("a short one, then growing up to the longest delay", () => {
  const backoff = new Backoff(100, 130, () => 1);
  expect(Array.from({ length: 5 }, () => backoff.next())).toEqual([100, 100, 120, 130, 130]);
  backoff.reset();
  expect(backoff.next()).toBe(100);
  backoff.reset(2);
  expect(backoff.next()).toBe(120);
});

test("delays are spread, the first one from nothing, the others from half to the whole", () => {
  const shortest = new Backoff(100, 1000, () => 0);
  expect([shortest.next(), shortest.next(), shortest.next()]).toEqual([0, 50, 60]);
});

test.each([0, 0.5, 1])("whoever returns within a second is met within 300 ms (random: %d)", (random) => {
  const backoff = new Backoff(100, 2000, () => random);
  for (let passedMs = 0; passedMs < 1000; ) {
    const delayMs = backoff.next();
    expect(delayMs).toBeLessThan(300);
    passedMs += delayMs;
  }
});

test("many attempts overflow nothing", () => {
  const backoff = new Backoff(100, 1000, () => 1);
  for (let attempt = 0; attempt < 5000; attempt++) backoff.next();
  expect(backoff.next()).toBe(1000);
});
