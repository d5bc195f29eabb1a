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
