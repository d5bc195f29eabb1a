import { expect, test } from "bun:test";
import { commonOptions, optionsHelp, parseOptions, UsageError, usage, versionLine } from "./options.ts";

const options = {
  ...commonOptions,
  port: { short: "p", argument: "PORT", help: "Listen on PORT" },
  filter: { argument: "GLOB", help: "Only what matches" },
  force: { short: "f", help: "Go on" },
} as const;

test.each<[string, string[], object, string[]]>([
  ["nothing", [], {}, []],
  ["words alone", ["a", "b"], {}, ["a", "b"]],
  ["an option behind words", ["a", "-f", "b"], { force: true }, ["a", "b"]],
  ["the argument as a word of its own", ["--port", "1"], { port: "1" }, []],
  ["the argument behind =", ["--port=1=2"], { port: "1=2" }, []],
  ["an empty argument", ["--port="], { port: "" }, []],
  ["a short option with its argument", ["-p", "1"], { port: "1" }, []],
  ["a short option stuck to its argument", ["-p1"], { port: "1" }, []],
  ["bundled short options", ["-fhp", "1"], { force: true, help: true, port: "1" }, []],
  ["an argument that looks like an option", ["--port", "-h"], { port: "-h" }, []],
  ["a unique abbreviation", ["--po=1", "--h"], { port: "1", help: true }, []],
  ["the last of several", ["-p1", "--port=2"], { port: "2" }, []],
  ["-- as the end of options", ["-f", "--", "-p", "--"], { force: true }, ["-p", "--"]],
  ["- as a word", ["-"], {}, ["-"]],
])("takes %s", (_, argv, values, words) => {
  expect(parseOptions("prog", argv, options)).toEqual({ values, words } as ReturnType<
    typeof parseOptions<typeof options>
  >);
});

test.each([
  [["-Q"], "prog: invalid option -- 'Q'"],
  [["-fQ"], "prog: invalid option -- 'Q'"],
  [["--QWERTY"], "prog: unrecognized option '--QWERTY'"],
  [["--QWERTY=1"], "prog: unrecognized option '--QWERTY=1'"],
  [["--constructor"], "prog: unrecognized option '--constructor'"],
  [["--port"], "prog: option '--port' requires an argument"],
  [["--po"], "prog: option '--port' requires an argument"],
  [["-fp"], "prog: option requires an argument -- 'p'"],
  [["--force=1"], "prog: option '--force' doesn't allow an argument"],
  [["--fo=1"], "prog: option '--force' doesn't allow an argument"],
  [["--f"], "prog: option '--f' is ambiguous; possibilities: '--filter' '--force'"],
])("refuses %j in getopt's words", (argv, message) => {
  expect(() => parseOptions("prog", argv, options)).toThrow(new UsageError(message));
});

test("help has a line for each option", () => {
  expect(optionsHelp(options)).toBe(
    [
      "  -h, --help         Show this help",
      "  -v, --version      Show the version",
      "  -p, --port=PORT    Listen on PORT",
      "      --filter=GLOB  Only what matches",
      "  -f, --force        Go on",
    ].join("\n"),
  );
});

test("usage names the program and its options", () => {
  const text = usage({ name: "prog", synopsis: "[OPTION]...", summary: "Does it.", options: commonOptions });
  expect(text).toBe(
    "Usage: prog [OPTION]...\n\nDoes it.\n\nOptions:\n  -h, --help     Show this help\n  -v, --version  Show the version",
  );
});

test("the version line has the program's name", () => {
  expect(versionLine("bluechi-agent")).toStartWith("bluechi-agent version ");
});
