import { expect, test } from "bun:test";
import { Recent } from "./recent.ts";

test("what was not used for the longest goes first", () => {
  const recent = new Recent<string, number>(100);
  recent.set("a", 1, 40);
  recent.set("b", 2, 40);
  expect(recent.get("a")).toBe(1);
  recent.set("c", 3, 40);
  expect([recent.get("a"), recent.get("b"), recent.get("c"), recent.bytes]).toEqual([1, undefined, 3, 80]);
  recent.set("d", 4, 100);
  expect([recent.get("a"), recent.get("c"), recent.get("d"), recent.bytes]).toEqual([undefined, undefined, 4, 100]);
});

test("a key has one value, and what is larger than the limit is not kept", () => {
  const recent = new Recent<string, number>(100);
  recent.set("a", 1, 60);
  recent.set("a", 2, 70);
  expect([recent.get("a"), recent.bytes]).toEqual([2, 70]);
  recent.set("b", 2, 20);
  recent.set("a", 3, 101);
  expect([recent.get("a"), recent.get("b"), recent.bytes]).toEqual([undefined, 2, 20]);
  recent.delete("b");
  recent.set("a", 4, 10);
  recent.delete("a");
  recent.delete("a");
  expect([recent.get("a"), recent.bytes]).toEqual([undefined, 0]);
});

test("of what is another one each time nothing is kept", () => {
  const recent = new Recent<string, number>(100);
  const kept = (likeness: number) => {
    recent.setAgain("a", likeness, 10, likeness);
    return [recent.get("a"), recent.bytes];
  };
  for (const likeness of [1, 2, 3]) expect(kept(likeness)).toEqual([undefined, 0]);
  expect(kept(3)).toEqual([3, 10]);
  expect(kept(4)).toEqual([undefined, 0]);
  expect(kept(3)).toEqual([undefined, 0]);
  expect(kept(3)).toEqual([3, 10]);
  for (let key = 0; key < 20_000; key++) recent.setAgain(`${key}`, 1, 10, 1);
  expect(kept(3)).toEqual([undefined, 0]);
});
