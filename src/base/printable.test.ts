import { expect, test } from "bun:test";
import { harmless, printable } from "./printable.ts";

for (const [text, plain, shown] of [
  ["one\ttwo\nthree ✔", "one\ttwo\nthree ✔", "one\ttwo\nthree ✔"],
  ["\u001B[31mfailed\u001B[0m", "?[31mfailed?[0m", "\u001B[31mfailed\u001B[0m"],
  ["\u001B[2J\u001B]52;c;aGk=\u0007", "?[2J?]52;c;aGk=?", "?[2J?]52;c;aGk=?"],
  ["\u001B[8mhidden", "?[8mhidden", "?[8mhidden"],
  ["over\rwritten \u009B2J\u007F\0", "over?written ?2J??", "over?written ?2J??"],
] as const) {
  test(`${JSON.stringify(text)} is printed as ${JSON.stringify(plain)}`, () => {
    expect([printable(text), harmless(text)]).toEqual([plain, shown]);
  });
}
