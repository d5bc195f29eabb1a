import { expect, test } from "bun:test";
import { type Findings, kept, show, worsened } from "./report.ts";

const found = (ratios: Record<string, number>): Findings => ({
  machine: "",
  tables: { part: [{ title: "", columns: [], rows: [], ratios }] },
});

test("a ratio has become worse when it is more than 30 % larger; one that is new or was not measured is not looked at", () => {
  const before = found({ same: 1, better: 2, larger: 1, worse: 1, unmeasured: 1 });
  expect(worsened(before, found({ same: 1, better: 0.1, larger: 1.29, worse: 1.5, fresh: 9 }))).toEqual([
    "part: worse is 1.50, was 1: 50 % worse",
  ]);
});

test("a bound is kept from below or from above", () => {
  expect(kept({ what: "", value: 2, below: 3, unit: "" })).toBe(true);
  expect(kept({ what: "", value: 3, below: 3, unit: "" })).toBe(false);
  expect(kept({ what: "", value: 2, above: 3, unit: "" })).toBe(false);
  expect(kept({ what: "", value: Number.NaN, below: 3, unit: "" })).toBe(false);
});

test("a table is aligned, and says below it which bounds are kept", () => {
  const checks = [{ what: "a job", value: 12.34, below: 10, unit: "ms" }];
  const table = {
    title: "Jobs",
    columns: ["median"],
    rows: [["start", 12.34] as const, ["the end", ""] as const],
    checks,
  };
  expect(show(table).split("\n")).toEqual([
    "Jobs     median",
    "start      12.3",
    "the end",
    "MISSED: a job is 12.3 ms, has to be below 10",
  ]);
});
