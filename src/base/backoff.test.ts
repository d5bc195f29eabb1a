import { expect, test } from "bun:test";
import { Backoff } from "./backoff.ts";

test("at once, then doubling up to the longest delay", () => {
  const backoff = new Backoff(100, 1000, () => 1);
  expect(Array.from({ length: 7 }, () => backoff.next())).toEqual([0, 100, 200, 400, 800, 1000, 1000]);
  backoff.reset();
  expect(backoff.next()).toBe(0);
  backoff.reset(1);
  expect(backoff.next()).toBe(100);
});

test("delays are spread from half to the whole", () => {
  const shortest = new Backoff(100, 1000, () => 0);
  expect([shortest.next(), shortest.next(), shortest.next()]).toEqual([0, 50, 100]);
});

test("many attempts overflow nothing", () => {
  const backoff = new Backoff(100, 1000, () => 1);
  for (let attempt = 0; attempt < 5000; attempt++) backoff.next();
  expect(backoff.next()).toBe(1000);
});
