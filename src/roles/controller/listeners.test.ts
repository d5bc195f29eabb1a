import { expect, test } from "bun:test";
import { isLoopback } from "./listeners.ts";

test.each([
  ["7f000001", true],
  ["7fffffff", true],
  ["00000000", false],
  ["0a4e0102", false],
  [`${"00".repeat(15)}01`, true],
  [`${"00".repeat(10)}ffff7f000001`, true],
  [`${"00".repeat(10)}ffff0a4e0102`, false],
  ["00".repeat(16), false],
  [`fd${"00".repeat(14)}01`, false],
])("an address of the bytes %s is reached from this host only: %p", (hex, expected) => {
  expect(isLoopback(new Uint8Array(Buffer.from(hex, "hex")))).toBe(expected);
});
