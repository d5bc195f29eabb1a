import { expect, test } from "bun:test";
import { encodeBody } from "./marshal.ts";
import { decodeBody, decodeFirst, fromBigEndian, splitArray } from "./unmarshal.ts";
import { validateBody } from "./validate.ts";

const body = (signature: string, hex: string) => ({ signature, bytes: Buffer.from(hex.replaceAll(" ", ""), "hex") });

test("a big-endian body is turned round", () => {
  const turned = fromBigEndian(body("usat", "00000001 00000002 686900 00 00000008 0000000000000003"));
  expect(turned).toEqual(encodeBody("usat", [1, "hi", [3n]]));
});

test("the first value is read without the others", () => {
  expect(decodeFirst(body("su", "02000000 686900 ff"))).toBe("hi");
  expect(() => decodeFirst(body("", ""))).toThrow("no value");
});

test("an array of small elements is aligned anew when it is cut out", () => {
  // In an array of arrays of 8 byte numbers the padding depends on where it begins.
  const values = ["x", [[1n], [2n]]];
  const { before, array } = splitArray(encodeBody("saat", values), 1);
  expect(before).toEqual(["x"]);
  validateBody(array);
  expect(decodeBody(array)).toEqual([values[1]]);
  expect(() => splitArray(encodeBody("s", ["x"]), 0)).toThrow("no array");
  expect(() => splitArray(encodeBody("s", ["x"]), 1)).toThrow("no array");
});

test("an array that is cut out is a copy, wherever it lies", () => {
  const values = new Map([["State", { signature: "s", value: "running" }]]);
  // The length of the name decides whether there is padding behind the length of the array.
  for (const name of ["", "abc", "abcd", "abcdefg", "abcdefgh"]) {
    const all = Buffer.from(encodeBody("sa{sv}as", [name, values, ["x"]]).bytes);
    const { before, array } = splitArray({ signature: "sa{sv}as", bytes: all }, 1);
    all.fill(255);
    validateBody(array);
    expect([before, decodeBody(array)]).toEqual([[name], [values]]);
  }
});
