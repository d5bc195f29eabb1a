import { expect, test } from "bun:test";
import { parseSignature, parseSingle, SignatureError, type ValueOf } from "./signature.ts";

test("a signature becomes a tree of types", () => {
  expect(parseSignature("sa{sv}(ia(ss))")).toEqual([
    { code: "s" },
    { code: "a", element: { code: "{", key: { code: "s" }, value: { code: "v" } } },
    {
      code: "(",
      fields: [{ code: "i" }, { code: "a", element: { code: "(", fields: [{ code: "s" }, { code: "s" }] } }],
    },
  ]);
  expect(parseSignature("")).toEqual([]);
});

test.each(["a", "(", "()", "a{sv", "{sv}", "a{vs}", "a{s}", "a{sss}", "z", "(s", "s)", "a{(s)s}"])(
  "%j is refused",
  (text) => {
    expect(() => parseSignature(text)).toThrow(SignatureError);
  },
);

test("length and nesting are bounded as the D-Bus specification says", () => {
  expect(parseSignature("s".repeat(255))).toHaveLength(255);
  expect(() => parseSignature("s".repeat(256))).toThrow(SignatureError);
  expect(parseSignature(`${"a".repeat(32)}s`)).toHaveLength(1);
  expect(() => parseSignature(`${"a".repeat(33)}s`)).toThrow(SignatureError);
  expect(parseSignature(`${"(".repeat(32)}s${")".repeat(32)}`)).toHaveLength(1);
  expect(() => parseSignature(`${"(".repeat(33)}s${")".repeat(33)}`)).toThrow(SignatureError);
});

test("a variant holds one type", () => {
  expect(parseSingle("as").code).toBe("a");
  expect(() => parseSingle("")).toThrow(SignatureError);
  expect(() => parseSingle("ss")).toThrow(SignatureError);
});

test("the TypeScript type of a signature", () => {
  // This test is the compiler's: the values have to fit the types.
  const units: ValueOf<"a(so)"> = [["a", "/a"]];
  const properties: ValueOf<"a{sv}"> = new Map([["a", { signature: "t", value: 1n }]]);
  const bytes: ValueOf<"ay"> = new Uint8Array(1);
  const nested: ValueOf<"(ia{us}(bd))"> = [1, new Map([[1, "a"]]), [true, 0.5]];
  expect([units, properties, bytes, nested]).toHaveLength(4);
});
