import { expect, test } from "bun:test";
import { emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { rowOf, rows, words } from "./codec.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";
import { Writer } from "./writer.ts";

// Bytes written by hand, not by our own writer.
const golden: [type: string, value: unknown, hex: string][] = [
  ["y", 0, "00"],
  ["y", 255, "ff"],
  ["b", false, "00"],
  ["b", true, "01"],
  ["q", 127, "7f"],
  ["q", 128, "8001"],
  ["q", 65535, "ffff03"],
  ["u", 300, "ac02"],
  ["u", 4294967295, "ffffffff0f"],
  ["n", -1, "01"],
  ["n", 1, "02"],
  ["n", -32768, "ffff03"],
  ["i", -64, "7f"],
  ["i", 64, "8001"],
  ["i", 2147483647, "feffffff0f"],
  ["i", -2147483648, "ffffffff0f"],
  ["t", 0n, "00"],
  ["t", 18446744073709551615n, "ffffffffffffffffff01"],
  ["t", 2n ** 32n - 1n, "ffffffff0f"],
  ["t", 2n ** 32n, "8080808010"],
  ["t", 2n ** 35n - 1n, "ffffffff7f"],
  ["t", 2n ** 35n, "808080808001"],
  ["t", 2n ** 63n + 2n ** 31n + 1n, "81808080888080808001"],
  ["x", -1n, "01"],
  ["x", 9223372036854775807n, "feffffffffffffffff01"],
  ["x", -9223372036854775808n, "ffffffffffffffffff01"],
  ["d", 1, "000000000000f03f"],
  ["d", -2.5, "00000000000004c0"],
  ["s", "", "00"],
  ["s", "a.b", "03612e62"],
  ["s", "ä€", "05c3a4e282ac"],
  ["o", "/", "012f"],
  ["g", "as", "026173"],
  ["ay", Uint8Array.of(1, 0, 255), "030100ff"],
  ["as", [], "00"],
  ["as", ["x", ""], "02017800"],
  ["(su)", ["x", 5], "017805"],
  ["a(sb)", [["x", true]], "01017801"],
  ["aay", [Uint8Array.of(), Uint8Array.of(7)], "02000107"],
  ["body", emptyBody, "0000"],
  ["body", { signature: "u", bytes: Uint8Array.of(5, 0, 0, 0) }, "01750405000000"],
];

const refused: [type: string, hex: string, why: string][] = [
  ["b", "02", "neither 0 nor 1"],
  ["y", "", "cut short"],
  ["u", "80", "cut short"],
  ["u", "8000", "padded"],
  ["u", "ffffffff10", "too large"],
  ["u", "808080808080", "too long"],
  ["q", "ffff04", "too large"],
  ["q", "80808080", "too long"],
  ["n", "808004", "too large"],
  ["t", "ffffffffffffffffff02", "too large"],
  ["t", "8080808080808080808001", "too long"],
  ["t", "808000", "padded"],
  ["x", "80", "cut short"],
  ["d", "00000000000000", "cut short"],
  ["s", "0261", "exceeds the bytes left"],
  ["s", "ffffffff0f61", "exceeds the bytes left"],
  ["s", "0100", "NUL"],
  ["s", "01ff", "UTF-8"],
  ["s", "02c080", "UTF-8"],
  ["s", "03eda080", "UTF-8"],
  ["ay", "0201", "exceeds the bytes left"],
  ["as", "7f00", "exceeds the bytes left"],
  ["as", "020100", "NUL"],
  ["(su)", "0178", "cut short"],
  ["body", "0175", "cut short"],
  ["body", "01750400", "exceeds the bytes left"],
];

function encode(type: string, value: unknown): string {
  const writer = new Writer();
  writer.fields(planOf({ value: type }), { value });
  return Buffer.from(writer.take()).toString("hex");
}

function decode(type: string, hex: string): unknown {
  const [field] = planOf({ value: type });
  return new Reader(Buffer.from(hex, "hex")).value(field!.type);
}

test.each(golden)("%s %p is %s", (type, value, hex) => {
  expect(encode(type, value)).toBe(hex);
  expect(decode(type, hex)).toEqual(value);
});

test.each(golden)("%s %p cut anywhere is refused", (type, _value, hex) => {
  for (let end = 0; end < hex.length; end += 2) expect(() => decode(type, hex.slice(0, end))).toThrow(WireError);
});

test.each(refused)("%s out of %s is refused: %s", (type, hex, why) => {
  expect(() => decode(type, hex)).toThrow(why);
  expect(() => decode(type, hex)).toThrow(WireError);
});

test("fields that are missing at the end are zero, and bytes left over are skipped", () => {
  const plan = planOf({
    name: "s",
    flag: "b",
    big: "t",
    list: "as",
    raw: "ay",
    pair: "(su)",
    body: "body",
    float: "d",
  });
  const zeros = {
    name: "",
    flag: false,
    big: 0n,
    list: [],
    raw: new Uint8Array(0),
    pair: ["", 0],
    body: emptyBody,
    float: 0,
  };
  expect(new Reader(new Uint8Array(0)).fields(plan)).toEqual(zeros);
  expect(new Reader(Buffer.from("017801", "hex")).fields(plan)).toEqual({ ...zeros, name: "x", flag: true });
  expect(new Reader(Buffer.from("0178ffff", "hex")).fields(planOf({ name: "s" }))).toEqual({ name: "x" });
});

test("values that are not of their type are refused by the writer, which goes on undisturbed", () => {
  const writer = new Writer();
  const wrong: [string, unknown][] = [
    ["y", 256],
    ["u", -1],
    ["u", 2 ** 32],
    ["u", 1.5],
    ["u", undefined],
    ["n", 32768],
    ["i", 2 ** 31],
    ["t", -1n],
    ["t", 2n ** 64n],
    ["x", 2n ** 63n],
    ["s", "a\0b"],
  ];
  for (const [type, value] of wrong) {
    writer.begin();
    expect(() => writer.fields(planOf({ first: "s", value: type }), { first: "kept?", value })).toThrow(Failure);
    writer.rewind();
  }
  writer.string("x");
  expect(writer.take()).toEqual(Uint8Array.of(1, 0x78));
});

test("a frame may be as large as the limit and no larger, and is refused before it is copied", () => {
  const plan = planOf({ raw: "ay" });
  const writer = new Writer(100);
  for (const [size, fits] of [
    [99, true],
    [100, false],
    [1e8, false],
  ] as const) {
    writer.begin();
    const write = (): number => {
      writer.fields(plan, { raw: new Uint8Array(size) });
      return writer.finish();
    };
    if (fits) expect(write()).toBe(100);
    else expect(write).toThrow(new Failure(ErrorName.LimitsExceeded, "a message is larger than 100 bytes"));
    writer.rewind();
  }
});

test("nothing decoded refers to the bytes, but most of them when they are our own", () => {
  const writer = new Writer();
  for (const size of [10, 1000]) writer.value({ code: "bytes" }, new Uint8Array(size));
  const bytes = new Uint8Array(writer.take());
  const read = (own: boolean) => {
    const reader = new Reader(bytes, own);
    return [reader.value({ code: "bytes" }), reader.value({ code: "bytes" })] as Uint8Array[];
  };
  expect(read(false).map(({ buffer }) => buffer === bytes.buffer)).toEqual([false, false]);
  expect(read(true).map(({ buffer }) => buffer === bytes.buffer)).toEqual([false, true]);
  expect(read(true)).toEqual(read(false));
});

test("what was taken is what was written since the last time, whatever its size", () => {
  const [writer, other] = [new Writer(), new Writer()];
  for (const size of [10, 100_000, 200_000, 600_000, 10]) {
    for (const next of [writer, other])
      next.value({ code: "bytes" }, new Uint8Array(size).fill(next === writer ? 1 : 2));
    for (const next of [writer, other]) {
      const taken = next.take();
      expect(taken.subarray(-size).every((byte) => byte === (next === writer ? 1 : 2))).toBe(true);
      expect(taken.length).toBeLessThanOrEqual(size + 3);
      expect(next.length).toBe(0);
    }
  }
});

test("writers do not write into what others have written", () => {
  const writers = [1, 2, 3].map((filler) => ({ filler, writer: new Writer() }));
  for (const size of [100_000, 100_000, 40_000]) {
    for (const { filler, writer } of writers) writer.value({ code: "bytes" }, new Uint8Array(size).fill(filler));
  }
  for (const { filler, writer } of writers) {
    const taken = Buffer.from(writer.take());
    expect(taken.length).toBe(240_009);
    expect(taken.filter((byte) => byte === filler).length).toBeGreaterThanOrEqual(240_000);
  }
});

test("a table with variants, dictionaries, descriptors or deep nesting is refused", () => {
  for (const type of ["v", "a{sv}", "h", "av", "(sh)", `${"a".repeat(18)}s`, "ss", ""]) {
    expect(() => planOf({ value: type })).toThrow();
  }
  planOf({ value: `${"a".repeat(16)}s` });
});

test("every row has an id of its own that fits a frame", () => {
  for (const row of Object.values(rows)) {
    expect(row.id).toBeWithin(16, 128);
    expect(rowOf(row.id)).toBe(row);
  }
});

test("words hold no NUL and fit the smallest frame", () => {
  expect(words("a\0b")).toBe("a b");
  expect(Buffer.byteLength(words("€".repeat(5000)))).toBeLessThan(3500);
});
