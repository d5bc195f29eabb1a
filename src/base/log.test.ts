import { expect, test } from "bun:test";
import { Log, stamp, type Target } from "./log.ts";

function lines(target: Target, write: (log: Log) => void, level: Log["level"] = "INFO"): string[] {
  const written: string[] = [];
  write(new Log({ target, level, inJournal: true, write: (line) => written.push(line) }));
  return written;
}

test("the journal gets an entry as it is, with its place, and stderr does not", () => {
  const [entries, written]: [unknown[], string[]] = [[], []];
  const journal = (fields: unknown) => entries.push(fields) > 0;
  const write = (line: string) => void written.push(line);
  const options = { identifier: "bluechi-agent", inJournal: true, journal, write };
  const log = new Log({ target: "journald", ...options });
  log.info("one\ntwo");
  log.error("x".repeat(20_000), "src/wire/session.ts:12 Session.#event");
  const both = { SYSLOG_IDENTIFIER: "bluechi-agent" };
  const place = { CODE_FILE: "src/wire/session.ts", CODE_LINE: "12", CODE_FUNC: "Session.#event" };
  expect(entries).toEqual([
    { ...both, MESSAGE: "one\ntwo", PRIORITY: "6" },
    { ...both, MESSAGE: `${"x".repeat(16_384)}...`, PRIORITY: "3", ...place },
  ]);
  log.level = "ERROR";
  log.warn("text");
  expect(entries).toHaveLength(2);
  expect(written).toEqual([]);
});

test("an audit is written at every level, with its own fields, which take no other's place", () => {
  const entries: unknown[] = [];
  const journal = (fields: unknown) => entries.push(fields) > 0;
  const log = new Log({ target: "journald", level: "ERROR", identifier: "a", inJournal: true, journal });
  log.audit("no", { BLUECHI_VERB: "kill", MESSAGE: "forged" }, "src/a.ts:1 f");
  const place = { CODE_FILE: "src/a.ts", CODE_LINE: "1", CODE_FUNC: "f" };
  expect(entries).toEqual([{ MESSAGE: "no", PRIORITY: "5", SYSLOG_IDENTIFIER: "a", BLUECHI_VERB: "kill", ...place }]);
  expect(lines("stderr", (written) => written.audit("no", {}), "ERROR")[0]).toMatch(/ AUDIT\t: no\n$/);
});

test("control characters of what a peer sent reach neither the journal nor a terminal", () => {
  const entries: { MESSAGE?: string }[] = [];
  const journal = (fields: object) => entries.push(fields) > 0;
  const text = "refused: \u001B[2J\r<3>all is well\tthere";
  new Log({ target: "journald", inJournal: true, journal }).info(text);
  expect(entries[0]?.MESSAGE).toBe("refused: ?[2J?<3>all is well\tthere");
  expect(lines("stderr", (log) => log.info(text))[0]).toEndWith("refused: ?[2J?<3>all is well\tthere\n");
});

test("when the journal refuses, each line goes to stderr with its priority in front", () => {
  const all = (log: Log) => {
    for (const level of ["debug", "info", "warn", "error"] as const) log[level]("text");
  };
  expect(lines("journald", all, "DEBUG")).toEqual(["<7>text\n", "<6>text\n", "<4>text\n", "<3>text\n"]);
  expect(lines("journald", all, "WARN")).toEqual(["<4>text\n", "<3>text\n"]);
});

test("stderr has time and level, and the place if that is asked for and known", () => {
  const time = String.raw`\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4}`;
  expect(lines("stderr", (log) => log.info("text"))[0]).toMatch(new RegExp(`^${time} INFO\t: text\n$`));
  const full = lines("stderr-full", (log) => {
    log.error("text", "src/main.ts:1 main");
    log.info("text");
  });
  expect(full[0]).toMatch(new RegExp(`^${time} ERROR\tsrc/main\\.ts:1 main\tmsg="text"\n$`));
  expect(full[1]).toMatch(new RegExp(`^${time} INFO\tmsg="text"\n$`));
});

test("by hand, where no journald reads, the journal's target is the terminal's", () => {
  const written: string[] = [];
  new Log({ target: "journald", inJournal: false, write: (line) => written.push(line) }).warn("text");
  expect(written[0]).toMatch(/ WARN\t: text\n$/);
});

test("an entry stays one line", () => {
  expect(lines("journald", (log) => log.info("one\n<0>two"))).toEqual(["<6>one <0>two\n"]);
});

test("a quiet log writes nothing", () => {
  const written: string[] = [];
  const log = new Log({ quiet: true, write: (line) => written.push(line) });
  log.error("text");
  log.audit("text", {});
  expect(written).toEqual([]);
});

test("stamp is local time", () => {
  expect(stamp(new Date(2026, 10, 2, 3, 4, 5, 6))).toStartWith("2026-11-02 03:04:05,006");
});
