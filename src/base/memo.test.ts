import { expect, test } from "bun:test";
import { Memo } from "./memo.ts";

test("a few texts are remembered, none of them long", () => {
  const memo = new Memo<number>(3);
  for (const [index, key] of ["a", "b", "", "a".repeat(1025)].entries()) expect(memo.keep(key, index)).toBe(index);
  expect(["a", "b", "", "a".repeat(1025), "c"].map((key) => memo.get(key))).toEqual([0, 1, 2, undefined, undefined]);
  memo.keep("c", 4);
  expect(["a", "b", "", "c"].map((key) => memo.get(key))).toEqual([undefined, undefined, undefined, 4]);
});
