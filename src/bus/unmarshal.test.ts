import { expect, test } from "bun:test";
import { encodeBody } from "./marshal.ts";
import { decodeBody, decodeFirst, fromBigEndian, sliceArray } from "./unmarshal.ts";
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
  const slice = sliceArray(encodeBody("saat", values), 1);
  validateBody(slice);
  expect(decodeBody(slice)).toEqual([values[1]]);
  expect(() => sliceArray(encodeBody("s", ["x"]), 0)).toThrow("no array");
});
