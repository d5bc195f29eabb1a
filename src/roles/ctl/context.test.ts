import { expect, test } from "bun:test";
import { paintState, wantsColour } from "./context.ts";

test.each<[string, boolean, Record<string, string>, boolean]>([
  ["auto", true, {}, true],
  ["auto", false, {}, false],
  ["auto", true, { NO_COLOR: "1" }, false],
  ["auto", true, { NO_COLOR: "" }, true],
  ["auto", true, { TERM: "dumb" }, false],
  ["always", false, { NO_COLOR: "1" }, true],
  ["never", true, {}, false],
])("--color=%s, terminal %p, %j", (choice, terminal, environment, expected) => {
  expect(wantsColour(choice, terminal, environment)).toBe(expected);
});

test("a state is coloured, the blanks around it are not", () => {
  expect(paintState("failed  ")).toBe("\u001B[31mfailed\u001B[0m  ");
});

test.each(["x.service", "", "constructor"])("'%s' is no state", (word) => {
  expect(paintState(word)).toBe(word);
});
