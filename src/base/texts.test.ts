import { expect, test } from "bun:test";
import { putShortText, shortText } from "./texts.ts";

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

test("short texts of ASCII are written, all others left to others", () => {
  for (const text of ["", "a", "unit.service", "\x01\x7f", "a".repeat(128)]) {
    const bytes = new Uint8Array(200);
    expect(putShortText(text, bytes, 3)).toBe(true);
    expect(Buffer.from(bytes)).toEqual(Buffer.concat([Buffer.alloc(3), Buffer.from(text)], 200));
  }
  for (const text of ["a\0", "\0", "a\x80", "ä", "€", "\ud800", "a".repeat(129)])
    expect(putShortText(text, new Uint8Array(200), 3)).toBe(false);
});
