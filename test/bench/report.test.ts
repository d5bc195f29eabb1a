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

test("a bound that is missed may be kept by its ratio, and what decides is told", () => {
  const check = { what: "a job", value: 3, below: 2.5, unit: "ms" };
  const shown = (value: number) =>
    show({ title: "", columns: [], rows: [], checks: [{ ...check, ratio: { value, below: 2.19 } }] })
      .split("\n")
      .at(-1);
  expect(kept({ ...check, ratio: { value: 2, below: 2.19 } })).toBe(true);
  expect(kept({ ...check, ratio: { value: 2.2, below: 2.19 } })).toBe(false);
  const missed = "a job is 3 ms, has to be below 2.50;";
  expect(shown(2)).toBe(`ok by ratio: ${missed} 2 times as long as the direct call, has to be below 2.19`);
  expect(shown(3)).toBe(`MISSED: ${missed} 3 times as long as the direct call, has to be below 2.19`);
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
