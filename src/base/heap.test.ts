import { afterEach, expect, spyOn, test } from "bun:test";
import { arrived, keepHeapSmall } from "./heap.ts";

const timers = spyOn(globalThis, "setTimeout");
afterEach(() => timers.mockRestore());

test("work that arrives is looked at once, and heartbeats never, however many there are", () => {
  let looks = 0;
  const waiting = { unref: () => ++looks };
  timers.mockImplementation((() => waiting) as unknown as typeof setTimeout);
  keepHeapSmall();
  for (let index = 0; index < 1000; index++) arrived(26);
  expect(looks).toBe(0);
  for (let index = 0; index < 1000; index++) arrived(100);
  expect(looks).toBe(1);
});
