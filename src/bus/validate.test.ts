import { expect, test } from "bun:test";
import type { Variant } from "../base/signature.ts";
import { encodeBody } from "./marshal.ts";
import { decodeBody } from "./unmarshal.ts";
import { validateBody } from "./validate.ts";

const body = (signature: string, hex: string) => ({ signature, bytes: Buffer.from(hex.replaceAll(" ", ""), "hex") });

test("what breaks the rules is refused for the right reason", () => {
  const cases: [signature: string, hex: string, reason: string][] = [
    ["u", "000000", "too early"],
    ["u", "0000000000", "1 bytes too many"],
    ["b", "02000000", "boolean"],
    ["yu", "01010000 01000000", "padding"],
    ["s", "02000000 686901", "NUL"],
    ["s", "02000000 680000", "contains NUL"],
    ["s", "02000000 c32800", "UTF-8"],
    ["s", "03000000 eda08000", "UTF-8"],
    ["s", "ffffffff 00", "too early"],
    ["s", "05000000 616263640000", "contains NUL"],
    ["s", "06000000 610062636465 00", "contains NUL"],
    ["s", "06000000 616263c3 2863 00", "UTF-8"],
    ["o", "02000000 2f2f00", "object path"],
    ["o", "00000000 00", "object path"],
    ["o", "01000000 61 00", "object path"],
    ["o", "03000000 2f612f 00", "object path"],
    ["o", "05000000 2f612f2f62 00", "object path"],
    ["o", "03000000 2f2d61 00", "object path"],
    ["o", "03000000 2fc3a4 00", "object path"],
    ["g", "0128 00", "signature"],
    ["v", "00 00", "single complete type"],
    ["v", "0268 6900", "single complete type"],
    ["v", "0168 00 00 00000000", "file descriptors"],
    ["ay", "02000000 00", "beyond"],
    ["at", "04000000 00000000 00000000", "crosses"],
    ["as", "08000000 01000000 6100 0000", "too early"],
    ["ay", "01000004", "longer than 64 MiB"],
    ["z", "", "no type"],
  ];
  for (const [signature, hex, reason] of cases)
    expect(() => validateBody(body(signature, hex)), `${signature} ${hex}`).toThrow(reason);
});

test("a long body is held to the same rules as a short one", () => {
  const filler = encodeBody("s", ["x".repeat(1019)]).bytes;
  const cases: [hex: string, reason: string, type?: string][] = [
    ["02000000 680000", "contains NUL"],
    ["05000000 616263640000", "contains NUL"],
    ["06000000 610062636465 00", "contains NUL"],
    ["02000000 c32800", "UTF-8"],
    ["06000000 616263c3 2863 00", "UTF-8"],
    ["ffffffff 00", "too early"],
    ["02000000 680001", "end with NUL"],
    ["00000000 00", "object path", "o"],
    ["02000000 2f2f00", "object path", "o"],
    ["05000000 2f612f2f62 00", "object path", "o"],
    ["06000000 2f61622f2f63 00", "object path", "o"],
    ["04000000 2f61622f 00", "object path", "o"],
    ["04000000 2f2d6162 00", "object path", "o"],
    ["05000000 2f6162632d 00", "object path", "o"],
    ["03000000 2fc3a4 00", "object path", "o"],
  ];
  for (const [hex, reason, type = "s"] of cases) {
    const { bytes } = body(type, hex);
    expect(() => validateBody({ signature: `s${type}`, bytes: Buffer.concat([filler, bytes]) }), hex).toThrow(reason);
  }
});

test("what keeps to the rules is taken, wherever it lies in memory", () => {
  const texts = ["", "a", "abc", "abcd", "abcde", "\u0001\u007f", "ä", "abc€def", "🂡🂢🂣", "x".repeat(1000)];
  const paths = ["/", "/a", "/a_Z/09/b", "/org/freedesktop/systemd1/unit/a_2eservice"];
  const { bytes } = encodeBody("asaog", [texts, paths, "a{sv}"]);
  for (let offset = 0; offset < 8; offset++) {
    const space = Buffer.alloc(offset + bytes.length, 0xff);
    space.set(bytes, offset);
    validateBody({ signature: "asaog", bytes: space.subarray(offset) });
  }
});

test("what the body before has left in memory is no part of the next one", () => {
  const values = {
    s: "abc",
    t: 7n,
    u: 7,
    b: true,
    as: ["a", "b"],
    "(uo)": [1, "/a/b"],
    v: { signature: "s", value: "x" },
  };
  const properties = Object.entries(values).map(([signature, value]) => [signature, { signature, value }] as const);
  const { signature, bytes } = encodeBody("a{sv}", [new Map(properties)]);
  let whole = 0;
  for (let size = 8; size < bytes.length; size++) {
    validateBody({ signature, bytes });
    const cut = Buffer.from(bytes.subarray(0, size));
    expect(() => validateBody({ signature, bytes: cut })).toThrow("beyond");
    cut.writeUInt32LE(size - 8);
    try {
      validateBody({ signature, bytes: cut });
      whole++;
    } catch {}
  }
  // Only those that end with a property, or have none.
  expect(whole).toBe(properties.length);
});

test("a body that nests without end is refused before the stack is", () => {
  const variants = Buffer.concat([
    ...Array(100_000).fill(Buffer.from("017600", "hex")),
    Buffer.from("01790000", "hex"),
  ]);
  expect(() => validateBody({ signature: "v", bytes: variants })).toThrow("nested too deeply");
  expect(() => decodeBody({ signature: "v", bytes: variants })).toThrow("nested too deeply");
});

test("properties may nest as deep as anything else", () => {
  const nested = (levels: number): Variant => ({
    signature: "a{sv}",
    value: new Map([["x", levels === 1 ? { signature: "u", value: 1 } : nested(levels - 1)]]),
  });
  // A variant in a variant, and three containers for each level: 62 and 65, where 64 are allowed.
  const body = (levels: number) => {
    const { bytes } = encodeBody("v", [nested(levels)]);
    return {
      signature: "yyyyyv",
      bytes: Buffer.concat([Buffer.from("0000000000 017600".replace(" ", ""), "hex"), bytes]),
    };
  };
  validateBody(body(20));
  expect(() => validateBody(body(21))).toThrow("nested too deeply");
});
