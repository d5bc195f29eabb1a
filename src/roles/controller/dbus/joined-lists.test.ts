import { expect, test } from "bun:test";
import type { Body } from "../../../base/body.ts";
import { encodeBody } from "../../../bus/marshal.ts";
import { JoinedLists } from "./joined-lists.ts";

const list = (count: number): Body =>
  encodeBody("a(ss)", [Array.from({ length: count }, (_, index) => [`many@${index}.service`, "active"])]);
const joinedAnew = (lists: ReadonlyMap<string, Body>): Body => encodeBody("a{sa(ss)}", [lists]);

test("the answer is the same as long as all lists are, from the second on", () => {
  const joined = new JoinedLists("a(ss)");
  const [one, two] = [list(3), list(4)];
  joined.joined(new Map().set("pi", one).set("nas", two));
  const first = joined.joined(new Map().set("pi", one).set("nas", two));
  expect(first).toEqual(joinedAnew(new Map().set("pi", one).set("nas", two)));
  expect(joined.joined(new Map().set("pi", one).set("nas", two))).toBe(first);
});

test.each([
  [
    "another list",
    [
      ["pi", list(3)],
      ["nas", list(5)],
    ],
  ],
  [
    "another order",
    [
      ["nas", list(4)],
      ["pi", list(3)],
    ],
  ],
  [
    "another node",
    [
      ["pi", list(3)],
      ["nos", list(4)],
    ],
  ],
  ["a node less", [["pi", list(3)]]],
  [
    "a node more",
    [
      ["pi", list(3)],
      ["nas", list(4)],
      ["tv", list(1)],
    ],
  ],
  ["none", []],
] as [string, [string, Body][]][])("%s makes another answer", (_what, changed) => {
  const joined = new JoinedLists("a(ss)");
  const before = new Map([
    ["pi", list(3)],
    ["nas", list(4)],
  ]);
  for (let times = 0; times < 2; times++) joined.joined(before);
  // What has the same bytes here is the same body.
  const lists = new Map(
    changed.map(([name, body]) => [name, [...before.values()].find((kept) => Bun.deepEquals(kept, body)) ?? body]),
  );
  expect(joined.joined(lists)).toEqual(joinedAnew(lists));
  expect(joined.joined(before)).toEqual(joinedAnew(before));
});

test("a long answer is not kept", () => {
  const joined = new JoinedLists("a(ss)");
  const lists = new Map([["pi", list(50_000)]]);
  joined.joined(lists);
  const first = joined.joined(lists);
  const again = joined.joined(lists);
  expect(again === first).toBe(false);
  expect(again).toEqual(first);
});
