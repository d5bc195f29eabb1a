import { expect, test } from "bun:test";
import { formatPlace, parsePlace } from "./place.ts";

test.each([
  ["laptop", "laptop:843"],
  ["laptop.home:8443", "laptop.home:8443"],
  ["10.0.0.1", "10.0.0.1:843"],
  ["10.0.0.1:1", "10.0.0.1:1"],
  ["[fd00::1]", "[fd00::1]:843"],
  ["[fe80::1%eth0]:844", "[fe80::1%eth0]:844"],
  ["fd00::1", "[fd00::1]:843"],
  ["::1", "[::1]:843"],
])("'%s' is %s", (text, printed) => {
  expect(formatPlace(parsePlace(text, 843))).toBe(printed);
  expect(parsePlace(printed, 1)).toEqual(parsePlace(text, 843));
});

test.each(["", ":843", "laptop:", "laptop:0", "laptop:65536", "a b", "a,b", "tls:host=a", "[a]", "a:b", "http://a"])(
  "'%s' is no place",
  (text) => {
    expect(() => parsePlace(text, 843)).toThrow(`'${text}' is neither HOST nor HOST:PORT nor [IPV6]:PORT`);
  },
);
