import { expect, test } from "bun:test";
import type { Body } from "../../base/body.ts";
import { encodeBody } from "../../bus/marshal.ts";
import { CheckedLists } from "./checked-lists.ts";

const signature = "a(ss)";
/** The units of `count` rows; each time another body. */
const list = (count: number, state = "active"): Body =>
  encodeBody(signature, [Array.from({ length: count }, (_, index) => [`many@${index}.service`, state])]);

test("a node's answer is the same body as long as nothing of it changes, from the second on", () => {
  const lists = new CheckedLists();
  const checked = (answer: Body, node = "pi", question = "ListUnits") =>
    lists.checked(question, answer, signature, node);
  const once = checked(list(500));
  const first = checked(list(500));
  expect(first === once).toBe(false);
  for (let times = 0; times < 3; times++) {
    expect(checked(list(500)) === first).toBe(true);
    expect(checked(list(500), "nas") === first).toBe(false);
    expect(checked(list(500), "pi", "ListUnitFiles") === first).toBe(false);
  }
  expect(checked(list(500, "failed"))).toEqual(list(500, "failed"));
  for (let times = 0; times < 3; times++) expect(checked(list(500)) === first).toBe(false);
  expect(checked(list(500))).toEqual(list(500));
  expect(checked(list(3))).toEqual(list(3));
});

test("each byte of an answer is looked at", () => {
  const lists = new CheckedLists();
  const checked = (answer: Body) => lists.checked("ListUnits", answer, signature, "pi");
  const bytes = checked(list(200)).bytes;
  for (let at = 0; at < bytes.length; at += 97) {
    const other = new Uint8Array(bytes);
    other[at] = 0xff;
    expect(() => checked({ signature, bytes: other }), `byte ${at}`).toThrow("malformed");
    for (let times = 0; times < 2; times++) expect(checked(list(200))).toEqual(list(200));
  }
  expect(() => checked({ signature: "a(so)", bytes })).toThrow("answers with 'a(so)'");
  expect(() => checked({ signature, bytes: bytes.subarray(0, -1) })).toThrow("malformed");
});

test("no more is kept than so much, of those that were asked for last", () => {
  const lists = new CheckedLists();
  const checked = (node: number, count = 10_000) => lists.checked("ListUnits", list(count), signature, `${node}`);
  const each = list(10_000).bytes.buffer.byteLength;
  checked(0);
  const first = checked(0);
  for (let node = 1; node < 40; node++) {
    for (let times = 0; times < 2; times++) checked(node);
    expect(lists.bytes).toBeLessThanOrEqual(4 * 2 ** 20);
    expect(checked(0) === first).toBe(true);
  }
  expect(lists.bytes).toBeGreaterThan(4 * 2 ** 20 - each);
  expect(checked(1)).toEqual(list(10_000));
  for (let times = 0; times < 2; times++) expect(checked(0, 200_000).bytes.length).toBe(list(200_000).bytes.length);
  expect(lists.bytes).toBeLessThanOrEqual(4 * 2 ** 20);
});
