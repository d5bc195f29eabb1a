import { expect, test } from "bun:test";
import { bootId } from "./boot.ts";

test("the boot ID stays the same until the next boot", () => {
  expect(bootId()).toBeGreaterThan(0n);
  expect(bootId()).toBeLessThan(2n ** 64n);
  expect(bootId()).toBe(bootId());
});
