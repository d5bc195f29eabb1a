import { expect, test } from "bun:test";
import { parseTimeSpan } from "./time-span.ts";

test.each([
  ["90", 90],
  ["15m", 900],
  ["15min", 900],
  ["1h 30m", 5400],
  ["1h30m", 5400],
  ["2d", 172_800],
  ["10 s", 10],
  ["", undefined],
  ["m", undefined],
  ["-5m", undefined],
  ["1.5h", undefined],
  ["3 fortnights", undefined],
  ["1constructor", undefined],
])("'%s'", (text, seconds) => {
  expect(parseTimeSpan(text)).toBe(seconds);
});
