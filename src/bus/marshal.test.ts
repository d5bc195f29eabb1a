import { expect, test } from "bun:test";
import { Failure } from "../base/failure.ts";
import { encodeBody } from "./marshal.ts";
import { decodeBody, splitArray } from "./unmarshal.ts";
import { validateBody } from "./validate.ts";

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString("hex");

test("values lie as the specification says", () => {
  // Written by hand, not by our own writer.
  const golden: [signature: string, value: unknown, bytes: string][] = [
    ["y", 255, "ff"],
    ["b", true, "01000000"],
    ["n", -2, "feff"],
    ["q", 65535, "ffff"],
    ["i", -2, "feffffff"],
    ["u", 4294967295, "ffffffff"],
    ["x", -2n, "feffffffffffffff"],
    ["t", 1n, "0100000000000000"],
    ["d", 1, "000000000000f03f"],
    ["s", "hä", "0300000068c3a400"],
    ["o", "/a", "020000002f6100"],
    ["g", "a{sv}", "05617b73767d00"],
    ["ay", Uint8Array.of(1, 2), "020000000102"],
    ["as", [], "00000000"],
    ["at", [1n], "08000000000000000100000000000000"],
    ["at", [], "0000000000000000"],
    ["(yu)", [1, 2], "0100000002000000"],
    ["v", { signature: "u", value: 1 }, "0175000001000000"],
    ["a{sv}", new Map([["A", { signature: "b", value: true }]]), "100000000000000001000000410001620000000001000000"],
  ];
  for (const [signature, value, bytes] of golden) {
    expect([signature, hex(encodeBody(signature, [value]).bytes)]).toEqual([signature, bytes]);
    expect(decodeBody({ signature, bytes: Buffer.from(bytes, "hex") })).toEqual([value]);
  }
});

test("values that cannot be sent are refused, and the type is named", () => {
  const refused: [signature: string, value: unknown, says: string][] = [
    ["y", 256, "'y'"],
    ["i", 1.5, "'i'"],
    ["u", -1, "'u'"],
    ["u", 1n, "'u'"],
    ["t", -1n, "'t'"],
    ["x", 2n ** 63n, "'x'"],
    ["t", 1, "'t'"],
    ["b", 1, "'b'"],
    ["d", "1", "'d'"],
    ["s", "a\0b", "'s'"],
    ["s", undefined, "'s'"],
    ["o", "a/b", "'o'"],
    ["o", "/a/", "'o'"],
    ["g", "(", "signature '('"],
    ["as", "abc", "'as'"],
    ["ay", [1], "'ay'"],
    ["(ss)", ["a"], "'(ss)'"],
    ["a{sv}", {}, "'a{sv}'"],
    ["v", "text", "'v'"],
    ["v", { signature: "ss", value: "text" }, "single complete type"],
    ["h", 0, "'h'"],
  ];
  for (const [signature, value, says] of refused) {
    const failure = (() => {
      try {
        return encodeBody(signature, [value]);
      } catch (error) {
        return error as Failure;
      }
    })();
    expect(failure).toBeInstanceOf(Failure);
    expect(failure).toMatchObject({ errorName: "org.freedesktop.DBus.Error.InvalidArgs" });
    expect((failure as Failure).message).toContain(says);
  }
  expect(() => encodeBody("ss", ["one"])).toThrow("1 values");
  expect(() => encodeBody("as", [Array(3).fill("x"), 1])).toThrow(Failure);
});

test("containers nest 64 deep and no deeper", () => {
  const nest = (depth: number): unknown =>
    depth === 1 ? { signature: "y", value: 0 } : { signature: "v", value: nest(depth - 1) };
  expect(decodeBody(encodeBody("v", [nest(64)]))).toEqual([nest(64)]);
  expect(() => encodeBody("v", [nest(65)])).toThrow("nested too deeply");
});

test("the elements of a body are passed on as they are, where its type is just that", () => {
  const properties = new Map([["Id", { signature: "s", value: "web.service" }]]);
  const body = encodeBody("sa{sv}as", ["org.freedesktop.systemd1.Unit", properties, ["Conditions"]]);
  const passed = encodeBody("ssa{sv}", ["node", "web.service", splitArray(body, 1).array]);
  expect(decodeBody(passed)).toEqual(["node", "web.service", properties]);
  expect(() => encodeBody("a{ss}", [splitArray(body, 1).array])).toThrow(Failure);
  expect(() => encodeBody("as", [splitArray(body, 2).array])).toThrow(Failure);
  const empty = encodeBody("a{sv}", [encodeBody("a{sv}", [new Map()])]);
  expect(decodeBody(empty)).toEqual([new Map()]);
});

test("what is long is written whole", () => {
  const rows = Array.from({ length: 5000 }, (_, index) => [`unit-${index}.service`, "ä".repeat(50)]);
  expect(decodeBody(encodeBody("a(ss)", [rows]))).toEqual([rows]);
});

test("texts are UTF-8, whatever is in them", () => {
  const texts = [
    "",
    "a",
    "ä",
    "aä",
    "x".repeat(128),
    "x".repeat(129),
    "€".repeat(100),
    "🂡",
    "\ud800x",
    `${"x".repeat(127)}ü`,
  ];
  const { bytes } = encodeBody("as", [texts]);
  expect(decodeBody({ signature: "as", bytes })).toEqual([texts.map((text) => text.toWellFormed())]);
  validateBody({ signature: "as", bytes });
});
