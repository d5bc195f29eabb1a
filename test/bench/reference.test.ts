import { expect, test } from "bun:test";
import { required } from "./reference.ts";
import { kept } from "./report.ts";

test.each<[Parameters<typeof required>[0], number, number, boolean]>([
  // Kept as it stands, whatever the ratio.
  ["start of a target", 0.5, 0.05, true],
  // 0.6 ms are added, but systemd itself takes longer than on the reference machine: (0.42 + 0.5) / 0.42 is 2.19.
  ["start of a target", 1.6, 1, true],
  ["start of a target", 2.2, 1, false],
  // 0.2 / 0.06 is 3.33.
  ["GetUnitProperty", 0.3, 0.1, true],
  ["GetUnitProperty", 0.34, 0.1, false],
  // 81,000 / 8,000 is 10.1.
  ["GetUnitProperty, pipelined", 8001, 100_000, true],
  ["GetUnitProperty, pipelined", 1000, 10_000, true],
  ["GetUnitProperty, pipelined", 1000, 10_200, false],
])("%s: %d against %d", (what, ours, theirs, expected) => {
  expect(kept(required(what, ours, theirs))).toBe(expected);
});
