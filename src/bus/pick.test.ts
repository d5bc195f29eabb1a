import { expect, test } from "bun:test";
import type { Variant } from "../base/signature.ts";
import { encodeBody } from "./marshal.ts";
import { pickTexts } from "./pick.ts";

const v = (signature: string, value: unknown): Variant => ({ signature, value });
const pick = (entries: Record<string, Variant>, ...names: string[]) =>
  pickTexts(encodeBody("a{sv}", [new Map(Object.entries(entries))]), names);

test("texts are found behind values of every type", () => {
  const entries = {
    ...Object.fromEntries([..."ynqiu"].map((code) => [code, v(code, 7)])),
    ...Object.fromEntries([..."xt"].map((code) => [code, v(code, 7n)])),
    b: v("b", true),
    d: v("d", 0.5),
    s: v("s", "other"),
    o: v("o", "/a/b"),
    g: v("g", "a{sv}"),
    v: v("v", v("v", v("s", "inner"))),
    none: v("ax", []),
    structs: v("a(yx)", [[1, 2n]]),
    struct: v("(y(sas)v)", [1, ["a", ["b", "c"]], v("ay", new Uint8Array(3))]),
    entries: v("a{yv}", new Map([[1, v("u", 1)]])),
    State: v("s", "running"),
  };
  expect(pick(entries, "State", "Absent")).toEqual({ State: "running" });
  expect(pick(entries, "State", "s", "d")).toEqual({ State: "running", s: "other" });
  expect(pick({}, "State")).toEqual({});
});

test("what is no text of that name is not taken for one", () => {
  const alike = {
    Stat: v("s", "1"),
    Stats: v("s", "2"),
    state: v("s", "3"),

    Stäte: v("s", "5"),
  };
  expect(pick(alike, "State", "StateS")).toEqual({});
  expect(pick({ State: v("u", 1), Other: v("v", v("s", "x")) }, "State", "Other")).toEqual({});
});

test("bytes that do not hold properties are refused", () => {
  const { bytes } = encodeBody("a{sv}", [new Map([["One", v("t", 1n)]])]);
  const refusal = (signature: string, cut: number) => () =>
    pickTexts({ signature, bytes: bytes.subarray(0, bytes.length - cut) }, ["State"]);
  expect(refusal("a{sv}", 1)).toThrow("it ends too early");
  expect(refusal("as", 0)).toThrow("'as' where properties are due");
  // A variant within a variant, and so on.
  const nested = Buffer.concat([
    Buffer.from("f00f000000000000010000004100", "hex"),
    Buffer.from("017600".repeat(1300), "hex"),
  ]);
  expect(() => pickTexts({ signature: "a{sv}", bytes: nested }, ["State"])).toThrow("nested too deeply");
});
