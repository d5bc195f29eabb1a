import { expect, test } from "bun:test";
import { createHash } from "node:crypto";
import { formatToken, parseToken, type Token } from "./token.ts";

const token: Token = {
  version: 1,
  cluster: "home",
  node: "kühl-pi",
  authority: "0123456789abcdef".repeat(4),
  secret: Uint8Array.from({ length: 32 }, (_, index) => index * 7),
  addresses: ["laptop:843", "[fe80::1]:843"],
};

test("a token is one word, and read as it was written", () => {
  const text = formatToken(token);
  expect(text).toMatch(/^[A-Za-z0-9_-]{100,200}$/);
  expect(parseToken(text)).toEqual(token);
  expect(parseToken(` ${text}\n`)).toEqual(token);
});

test("each token that is cut off, or in which one character is another one, is told from a whole one", () => {
  const text = formatToken(token);
  const damaged = "the token is damaged or cut off: copy all of the line";
  for (let length = 0; length < text.length; length++) expect(() => parseToken(text.slice(0, length))).toThrow(damaged);
  for (let index = 0; index < text.length; index++) {
    const other = `${text.slice(0, index)}${text[index] === "B" ? "C" : "B"}${text.slice(index + 1)}`;
    expect(() => parseToken(other)).toThrow(damaged);
  }
  expect(() => parseToken(`${text}A`)).toThrow(damaged);
  expect(() => parseToken(`${text} ${text}`)).toThrow(damaged);
  expect(() => parseToken(text.repeat(30))).toThrow(damaged);
});

test("a token of another version says so", () => {
  expect(() => parseToken(formatToken({ ...token, version: 2 }))).toThrow("a token of version 2 is not known here");
});

test("a token with a good checksum over nonsense is refused", () => {
  const seal = (content: Buffer) =>
    Buffer.concat([content, createHash("sha256").update(content).digest().subarray(0, 4)]).toString("base64url");
  const head = Buffer.alloc(65, 1);
  for (const rest of [
    "",
    "\x04home",
    "\x04home\x02pi",
    "\x04HOME\x02pi\x05a:843",
    "\x04home\x00\x05a:843",
    "\x04home\x02pi\x09a:843",
  ])
    expect(() => parseToken(seal(Buffer.concat([head, Buffer.from(rest)])))).toThrow();
});

test("what no token can carry is refused", () => {
  expect(() => formatToken({ ...token, addresses: [] })).toThrow("1 to 8 addresses");
  expect(() => formatToken({ ...token, addresses: Array(9).fill("a:843") })).toThrow("1 to 8 addresses");
  expect(() => formatToken({ ...token, addresses: ["a".repeat(256)] })).toThrow("too long");
  expect(() => formatToken({ ...token, cluster: "HOME" })).toThrow("no name for a cluster");
});
