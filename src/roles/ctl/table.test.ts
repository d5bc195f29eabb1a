import { describe, expect, test } from "bun:test";
import { alignedLines, fittedLines, nodeLines, unitLines } from "./table.ts";

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
  const [header, rule, row] = nodeLines([["n".repeat(31), "state-too-long", "i".repeat(25), "l".repeat(29)]], plain);
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
  const [header, rule] = unitLines([name, "x"], [], plain);
  expect(header).toBe(`UNIT${"\t".repeat(tabs)}| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|`);
  expect(rule).toBe("-".repeat(length));
});

test("short values take a second tab", () => {
  const [, , row] = unitLines(["x.service"], [["x.service", "loaded", "active", "dead", "running", "bad"]], plain);
  expect(row).toBe("x.service\t| loaded\t| active\t| dead\t\t| running\t| bad\t\t|");
});

test("a unit whose name is longer than the one it was asked for by stays in one piece", () => {
  const [, , row] = unitLines(["alias.service"], [["a-much-longer-name.service", "loaded"]], plain);
  expect(row).toBe("a-much-longer-name.service| loaded\t|");
});

describe("in a terminal", () => {
  const header = ["NODE", "ID", "STATE"];
  const rows = [
    ["pi", "short.service", "active"],
    ["pi", "a-name-that-does-not-fit.service", "failed"],
  ];

  test.each([
    [80, "pi   | a-name-that-does-not-fit.service | failed", 48],
    [48, "pi   | a-name-that-does-not-fit.service | failed", 48],
  ])("of %d columns there is room", (columns, last, rule) => {
    const lines = fittedLines({ header, rows }, plain, columns);
    expect(lines[1]).toBe("=".repeat(rule));
    expect(lines.at(-1)).toBe(last);
  });

  test("that is narrower, a name that does not fit has a line of its own, and the rest stays in its columns", () => {
    expect(fittedLines({ header, rows }, plain, 30)).toEqual([
      "NODE | ID             | STATE",
      "==============================",
      "pi   | short.service  | active",
      "pi   | a-name-that-does-not-fit.service",
      "                      | failed",
    ]);
  });

  test("that is narrower than the header, the header is not cut", () => {
    expect(fittedLines({ header, rows: [["pi", "x", "dead"]] }, plain, 5)[0]).toBe("NODE | ID | STATE");
  });

  test("the last cell is not padded, and states are painted", () => {
    expect(fittedLines({ header: ["A", "LONGER"], rows: [["x", "y"]] }, (cell) => `<${cell}>`, 80)).toEqual([
      "<A> | <LONGER>",
      "==========",
      "<x> | <y>",
    ]);
  });
});
