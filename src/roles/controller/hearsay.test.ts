import { expect, test } from "bun:test";
import type { Body } from "../../base/body.ts";
import type { Variant } from "../../base/signature.ts";
import { encodeBody } from "../../bus/marshal.ts";
import { checkedBody, checkedProperties, checkedUnit, checkedWord } from "./hearsay.ts";

const properties = (bytes: number): Body => {
  const value: Variant = { signature: "ay", value: new Uint8Array(bytes) };
  return encodeBody("a{sv}", [new Map([["P", value]])]);
};

test("what systemd could say passes", () => {
  expect(checkedUnit("dev-disk-by\\x2duuid.device", "pi")).toBe("dev-disk-by\\x2duuid.device");
  expect(checkedWord("auto-restart", "pi")).toBe("auto-restart");
  expect(checkedProperties(properties(1000), "pi")).toEqual(properties(1000));
});

test.each([
  ["any unit", () => checkedUnit("*", "pi"), "Node 'pi' tells of a unit '*'"],
  ["a long unit", () => checkedUnit(`${"a".repeat(1000)}.service`, "pi"), "Node 'pi' tells of a unit 'aaa"],
  ["a long word", () => checkedWord("a".repeat(65), "pi"), "Node 'pi' tells a state 'aaa"],
  ["a word with a line in it", () => checkedWord("act\nive", "pi"), "Node 'pi' tells a state"],
  ["many properties", () => checkedProperties(properties(200_000), "pi"), "bytes of properties at once"],
  [
    "another signature",
    () => checkedBody(encodeBody("s", ["x"]), "a{sv}", "pi"),
    "answers with 's' where 'a{sv}' is due",
  ],
  ["a malformed body", () => checkedBody({ signature: "s", bytes: new Uint8Array(3) }, "s", "pi"), "malformed"],
])("%s does not", (_what, check, message) => {
  expect(check).toThrow(message);
});

test("what does not pass does not do so later either, whatever has passed meanwhile", () => {
  for (let index = 0; index < 5000; index++) {
    const [unit, word] = [`a${index}.service`, "a".repeat(index % 64)];
    for (const _ of [1, 2]) {
      expect(checkedUnit(unit, "pi")).toBe(unit);
      expect(checkedWord(word, "pi")).toBe(word);
      expect(() => checkedUnit(word, "pi")).toThrow("tells of a unit");
      expect(() => checkedWord(unit, "pi")).toThrow("tells a state");
    }
  }
});
