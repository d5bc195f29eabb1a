import { expect, test } from "bun:test";
import { encodeEntry, Journal } from "./journal.ts";

test("a value of one line follows its key, one of several is told with its length", () => {
  const text = encodeEntry({ MESSAGE: "a=b", PRIORITY: "6" });
  expect(Buffer.from(text).toString()).toBe("MESSAGE=a=b\nPRIORITY=6\n");
  const binary = encodeEntry({ MESSAGE: "é\nPRIORITY=0", PRIORITY: "6" });
  const length = "\x0d\0\0\0\0\0\0\0";
  expect(Buffer.from(binary).toString()).toBe(`MESSAGE\n${length}é\nPRIORITY=0\nPRIORITY=6\n`);
});

test("a journal that is not there takes nothing", () => {
  const journal = new Journal("/nonexistent/socket");
  expect(journal.send({ MESSAGE: "text" })).toBe(false);
  expect(journal.send({ MESSAGE: "text" })).toBe(false);
});
