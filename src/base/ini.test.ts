import { describe, expect, test } from "bun:test";
import { ConfigurationError, mergeIni, parseIni } from "./ini.ts";

const value = (text: string, section: string, key: string) => parseIni(text, "f.conf").get(section)?.get(key)?.value;

describe("parseIni", () => {
  test("keeps sections, keys and where they stand", () => {
    const entry = parseIni("# a comment\n\n[s]\nkey = some text \n; another\n", "f.conf").get("s")?.get("key");
    expect(entry).toEqual({ value: "some text", file: "f.conf", line: 4 });
  });

  test.each([
    ["an indented line continues the value", "[s]\nk=a,\n b\n", "a,b"],
    ["a tab is an indent", "[s]\nk=a,\n\tb,\n\tc\n", "a,b,c"],
    ["comments between continued lines do not count", "[s]\nk=a,\n # no\n b\n", "a,b"],
    ["a repeated key is appended", "[s]\nk=a,\nk=b\n", "a,b"],
    ["a repeated section goes on", "[s]\nk=a,\n[t]\n[s]\nk=b\n", "a,b"],
    ["a value may hold an equals sign", "[s]\nk=tcp:host=a\n", "tcp:host=a"],
    ["a value may be empty", "[s]\nk=\n", ""],
    ["carriage returns are blanks", "[s]\r\nk=a\r\n", "a"],
  ])("%s", (_, text, expected) => {
    expect(value(text, "s", "k")).toBe(expected);
  });

  test("150 names, one a line", () => {
    const names = Array.from({ length: 150 }, (_, index) => `node-${index}`);
    expect(value(`[s]\nk=${names.join(",\n ")}\n`, "s", "k")?.split(",")).toEqual(names);
  });

  test.each([
    ["[s]\nno equals sign\n", 2],
    ["key=before any section\n", 1],
    ["[s]\n\n[broken\n", 3],
    ["[s]\n=value\n", 2],
  ])("%j is refused with file and line", (text, line) => {
    expect(() => parseIni(text, "/etc/x.conf")).toThrow(
      new ConfigurationError(`Error parsing configuration file '/etc/x.conf' on line ${line}`),
    );
  });
});

test("mergeIni replaces per key", () => {
  const merged = mergeIni(parseIni("[s]\na=1\nb=1\n", "one"), parseIni("[s]\nb=2\n[t]\nc=3\n", "two"));
  expect(merged.get("s")?.get("a")?.value).toBe("1");
  expect(merged.get("s")?.get("b")).toEqual({ value: "2", file: "two", line: 2 });
  expect(merged.get("t")?.get("c")?.value).toBe("3");
});
