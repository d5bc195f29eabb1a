import { expect, test } from "bun:test";
import { ConfigurationError } from "./ini.ts";
import { type Level, Log } from "./log.ts";
import { Service, takeOver } from "./service.ts";
import { defineSettings } from "./settings.ts";

const table = defineSettings({
  Names: { kind: "list", default: [], applies: "at once", help: "" },
  Port: { kind: "port", default: 842, applies: "after a restart", help: "" },
  Places: { kind: "list", default: [], applies: "after a restart", help: "" },
});

const first = { Names: ["a"], Port: 842, Places: ["x"] };

test.each([
  ["nothing new", first, first, { settings: first, waiting: [], news: [] }],
  [
    "what counts at once",
    first,
    { ...first, Names: ["b"] },
    { settings: { ...first, Names: ["b"] }, waiting: [], news: [] },
  ],
  ["what waits for a restart", first, { ...first, Port: 1 }, { settings: first, waiting: ["Port"], news: ["Port"] }],
  ["a list that is the same", first, { ...first, Places: ["x"] }, { settings: first, waiting: [], news: [] }],
  [
    "what waits already",
    { ...first, Port: 1 },
    { ...first, Port: 1 },
    { settings: first, waiting: ["Port"], news: [] },
  ],
  ["what waits no longer", { ...first, Port: 1 }, first, { settings: first, waiting: [], news: [] }],
  [
    "both",
    first,
    { Names: [], Port: 1, Places: [] },
    { settings: { ...first, Names: [] }, waiting: ["Port", "Places"], news: ["Port", "Places"] },
  ],
])("%s", (_, read, next, expected) => {
  expect(takeOver(table, first, read, next)).toEqual(expected);
});

function setUp() {
  const told: string[] = [];
  const lines: string[] = [];
  const taken: string[] = [];
  const log = new Log({ target: "journald", inJournal: true, write: (line) => void lines.push(line.trimEnd()) });
  const settings = { ...first, LogLevel: "INFO" as Level, LogTarget: "journald" as const, LogIsQuiet: false };
  let next = settings;
  let trouble: Error | undefined;
  const service = new Service({
    table,
    settings,
    log,
    read: () => {
      if (trouble) throw trouble;
      return next;
    },
    tell: (...words) => void told.push(...words.filter((word) => !word.startsWith("MONOTONIC_USEC="))),
  });
  const ready = () =>
    service.ready(
      () => "fine",
      (now, before) => void taken.push(`${before.Names} -> ${now.Names}`),
    );
  const read = (changes: Partial<typeof settings>) => {
    next = { ...settings, ...changes };
    trouble = undefined;
    service.reload();
  };
  const fail = (error: Error) => {
    trouble = error;
    service.reload();
  };
  return {
    service,
    log,
    told,
    lines,
    taken,
    ready,
    read,
    fail,
    clear: () => [told, lines, taken].map((list) => list.splice(0)),
  };
}

test("a reload is told from its begin to its end, and taken over", () => {
  const { log, told, taken, ready, read } = setUp();
  ready();
  read({ Names: ["b"], LogLevel: "ERROR" });
  expect(told).toEqual(["READY=1", "STATUS=fine", "RELOADING=1", "READY=1", "STATUS=fine"]);
  expect(taken).toEqual(["a -> b"]);
  expect(log.level).toBe("ERROR");
});

test("one that is asked for while the daemon starts is done when it serves", () => {
  const { told, taken, ready, read } = setUp();
  read({ Names: ["b"] });
  expect(told).toEqual([]);
  ready();
  expect(taken).toEqual(["a -> b"]);
});

test("a configuration that cannot be used changes nothing, and the status says so until one can", () => {
  const { service, told, lines, taken, ready, read, fail, clear } = setUp();
  ready();
  clear();
  fail(new ConfigurationError("Error parsing configuration file 'f' on line 3"));
  expect(told.at(-1)).toBe("STATUS=fine; configuration not reloaded: Error parsing configuration file 'f' on line 3");
  expect(lines).toEqual([
    "<3>Configuration not reloaded, the one before stays in force: Error parsing configuration file 'f' on line 3",
  ]);
  expect([taken, service.settings.Names]).toEqual([[], ["a"]]);
  service.statusChanged();
  expect(told.at(-1)).toContain("not reloaded");
  read({ Names: ["b"] });
  expect([told.at(-1), service.settings.Names]).toEqual(["STATUS=fine", ["b"]]);
});

test("what needs a restart is logged once, and in the status as long as it waits", () => {
  const { service, told, lines, ready, read } = setUp();
  ready();
  for (const Names of [["b"], ["c"]]) read({ Names, Port: 1 });
  expect(lines.filter((line) => line.startsWith("<4>"))).toEqual(["<4>What is new in Port counts after a restart"]);
  expect(told.at(-1)).toBe("STATUS=fine; restart needed for Port");
  expect([service.settings.Port, service.settings.Names]).toEqual([842, ["c"]]);
  read({});
  expect(told.at(-1)).toBe("STATUS=fine");
});
