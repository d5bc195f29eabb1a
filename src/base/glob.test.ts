import { expect, test } from "bun:test";
import { globMatcher } from "./glob.ts";

test.each<[string, string[], string[]]>([
  ["dbus*", ["dbus.service", "dbus"], ["/usr/lib/dbus.service", "xdbus"]],
  ["*dbus*", ["/usr/lib/dbus.service"], ["/usr/lib/bus.service"]],
  ["a?c", ["abc", "a/c"], ["ac", "abbc"]],
  ["[a-c]x", ["ax", "cx"], ["dx", "-x"]],
  ["[!a]x", ["bx"], ["ax"]],
  ["[^a]x", ["bx"], ["ax"]],
  ["[]-]x", ["]x", "-x"], ["ax"]],
  ["[a-]x", ["ax", "-x"], ["bx"]],
  ["[z-a]x", [], ["ax", "zx", "-x"]],
  ["[!z-a]x", ["ax", "zx"], ["x"]],
  ["[\\]a]x", ["]x", "ax"], ["\\x"]],
  ["[[:digit:][:upper:]_]x", ["0x", "Ax", "_x"], ["ax", ":x", "[x"]],
  ["[[:punct:]]x", ["[x", "/x", "{x", "~x"], ["ax", "0x"]],
  ["[[:none:]x", [":x", "nx"], ["ax"]],
  ["[", ["["], [""]],
  ["[!", ["[!"], ["a"]],
  ["[ab", ["[ab"], ["a", "b"]],
  ["\\*", ["*"], ["a"]],
  ["a.b+(c)|$", ["a.b+(c)|$"], ["axb+(c)|$"]],
  ["\\", ["\\"], [""]],
  ["", [""], ["a"]],
])("%s", (pattern, matches, others) => {
  const matcher = globMatcher(pattern);
  expect(matches.filter(matcher)).toEqual(matches);
  expect(others.filter(matcher)).toEqual([]);
});
