import { expect, test } from "bun:test";
import { describe } from "../base/failure.ts";
import { parseSingle } from "../base/signature.ts";
import { encodeBody } from "./marshal.ts";
import { columnsOf, plainEnd } from "./plain-rows.ts";
import { validateBody } from "./validate.ts";

const signature = "(ssouso)";
/** The same in bytes, but nothing that is looked at by the row. */
const notPlain = `(${signature})`;

const row = (name: string, path = `/unit/${name}`) => [name, "A unit", path, name.length, "", "/"];
const rows = ["a", "bb", "ccc", "dddd", "eeeee", "ffffff", "ggggggg", "hhhhhhhh"].map((name) => row(name.repeat(4)));

const listOf = (list: readonly unknown[][]) => encodeBody(`a${signature}`, [list]).bytes;

/** Where the rows begin that are not plain. */
function firstNotPlain(bytes: Uint8Array): number {
  const halves = new Uint16Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 1);
  const words = new Int32Array(bytes.buffer, bytes.byteOffset, bytes.length >>> 2);
  return plainEnd({ bytes, halves, words }, 8, bytes.length, columnsOf(parseSingle(signature)) as Uint8Array);
}

function verdict(type: string, bytes: Uint8Array): string {
  try {
    validateBody({ signature: `a${type}`, bytes });
    return "valid";
  } catch (error) {
    return describe(error);
  }
}

test("rows are gone over as long as they are plain", () => {
  const plain = listOf(rows).length;
  for (const other of [row("ü", "/unit/u"), row("i".repeat(600))]) {
    const end = firstNotPlain(listOf([...rows, other, ...rows]));
    expect(end).toBeGreaterThanOrEqual(plain);
    expect(end).toBeLessThan(plain + 8);
  }
});

test("whatever byte has whatever value, rows are judged as their texts are one by one", () => {
  const bytes = listOf(rows);
  expect(bytes.length).toBeGreaterThan(512);
  const verdicts = new Set<string>();
  for (let at = 0; at < bytes.length; at++) {
    const was = bytes[at] as number;
    for (const value of [0, 1, 3, 4, 0x2f, 0x61, 0x7f, 0x80, 0xc3, 0xff]) {
      bytes[at] = value;
      const found = verdict(signature, bytes);
      if (found !== verdict(notPlain, bytes)) expect([at, value, found]).toEqual([at, value, verdict(notPlain, bytes)]);
      verdicts.add(found);
    }
    bytes[at] = was;
  }
  expect(verdicts.size).toBeGreaterThan(5);
});

test("only structures of texts, paths and words have plain rows", () => {
  const has = (type: string) => columnsOf(parseSingle(type)) !== undefined;
  expect(["(s)", "(ss)", "(ssssssouso)", "(ui)"].filter(has).length).toBe(4);
  expect(["s", "(sb)", "(sv)", "(s(s))", "(sas)", "as"].filter(has)).toEqual([]);
});
