import { expect, test } from "bun:test";
import { shortText } from "./texts.ts";

const read = (text: string) => {
  const bytes = Buffer.from(`<${text}>`, "latin1");
  return shortText(bytes, 1, bytes.length - 1);
};

test("texts are what their bytes say, whatever came before", () => {
  // More of them than are remembered, of the same length, and differing in a place each.
  const texts = Array.from({ length: 5000 }, (_, index) => `unit-${String(index).padStart(4, "0")}.service`);
  for (const text of [...texts, ...texts.toReversed()]) expect(read(text)).toBe(text);
  for (const text of ["", "a", "b", "ab", "ba", "\x01\x7f", "a".repeat(128)]) {
    for (const other of [text, `${text}a`.slice(0, 128), text.slice(1), text]) expect(read(other)).toBe(other);
  }
});

test("all but short texts of ASCII without NUL are left to others", () => {
  for (const text of ["a\0", "\0", "a\x80", "\xff", "a".repeat(129)]) expect(read(text)).toBeUndefined();
});
