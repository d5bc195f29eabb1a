import { expect, test } from "bun:test";
import { alignedLines, nodeLines, unitLines } from "./table.ts";

const plain = (cell: string) => cell;

test("columns are as wide as their widest value, shown or not", () => {
  const table = {
    header: ["A", "BB"],
    rows: [["x", "y"]],
    widthRows: [
      ["x", "y"],
      ["long", "z"],
    ],
  };
  expect(alignedLines(table, plain)).toEqual(["A    | BB", "=========", "x    | y "]);
});

test("without rows there is the header", () => {
  expect(alignedLines({ header: ["A", "BB"], rows: [] }, plain)).toEqual(["A | BB", "======"]);
});

test("nodes are cut and padded to fixed columns", () => {
  const [header, rule, row] = nodeLines([["n".repeat(31), "state-too-long", "i".repeat(25), "l".repeat(29)]]);
  expect(header).toBe(
    "NODE                          | STATE     | IP                      | LAST SEEN                   ",
  );
  expect(rule).toBe("=".repeat(90));
  expect(row).toBe(`${"n".repeat(30)}| state-too-| ${"i".repeat(24)}| ${"l".repeat(28)}`);
});

test.each([
  ["a.service", 2, 96],
  ["abcdefgh", 1, 88],
  ["abcdefghi", 2, 96],
])("the longest name asked for, %s, sets the first column", (name, tabs, length) => {
  const [header, rule] = unitLines([name, "x"], []);
  expect(header).toBe(`UNIT${"\t".repeat(tabs)}| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|`);
  expect(rule).toBe("-".repeat(length));
});

test("short values take a second tab", () => {
  const [, , row] = unitLines(["x.service"], [["x.service", "loaded", "active", "dead", "running", "bad"]]);
  expect(row).toBe("x.service\t| loaded\t| active\t| dead\t\t| running\t| bad\t\t|");
});

test("a unit whose name is longer than the one it was asked for by stays in one piece", () => {
  const [, , row] = unitLines(["alias.service"], [["a-much-longer-name.service", "loaded"]]);
  expect(row).toBe("a-much-longer-name.service| loaded\t|");
});
