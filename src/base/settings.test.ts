import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseIni } from "./ini.ts";
import {
  type ConfigurationPlaces,
  defineSettings,
  loadConfiguration,
  readSettings,
  unknownSettings,
} from "./settings.ts";

const table = defineSettings({
  Name: { kind: "text", default: "nobody", applies: "at once", help: "" },
  Port: { kind: "port", default: 842, what: "port", applies: "at once", help: "" },
  Interval: { kind: "milliseconds", default: 2000, what: "heartbeat interval", applies: "at once", help: "" },
  Quiet: { kind: "boolean", default: false, applies: "at once", help: "" },
  Names: { kind: "list", default: [], applies: "at once", help: "" },
  LogLevel: { kind: "level", default: "INFO", applies: "at once", help: "" },
  Policy: { kind: "word", words: ["keep", "stop"], default: "keep", applies: "at once", help: "" },
});

const read = (text: string) => readSettings(table, parseIni(`[s]\n${text}`, "f.conf").get("s") ?? new Map());

test.each([
  ["", { Name: "nobody", Port: 842, Interval: 2000, Quiet: false, Names: [], LogLevel: "INFO", Policy: "keep" }],
  ["Name=\nPort=\nQuiet=\n", { Name: "nobody", Port: 842, Quiet: false }],
  ["Port=65535\nInterval=0\n", { Port: 65535, Interval: 0 }],
  ["Names= a, b ,,a,c,\n", { Names: ["a", "b", "c"] }],
  ["LogLevel=DEBUG\n", { LogLevel: "DEBUG" }],
  ["LogLevel=debug\n", { LogLevel: "INFO" }],
  ["LogLevel=4\n", { LogLevel: "INFO" }],
  ["Policy=stop\n", { Policy: "stop" }],
  ...["true", "True", "t", "yes", "Y", "on"].map((word) => [`Quiet=${word}\n`, { Quiet: true }] as const),
  ...["1", "false", "no", "enabled"].map((word) => [`Quiet=${word}\n`, { Quiet: false }] as const),
])("%j", (text, expected) => {
  expect(read(text)).toMatchObject(expected);
});

test.each([
  ["Port=842O", "Invalid port format '842O' (f.conf, line 2)"],
  ["Port=65538", "Invalid port format '65538' (f.conf, line 2)"],
  ["Interval=abc", "Invalid heartbeat interval format 'abc' (f.conf, line 2)"],
  ["Interval=-1", "Invalid heartbeat interval format '-1' (f.conf, line 2)"],
  ["Policy=Stop", "Invalid Policy 'Stop', only keep or stop (f.conf, line 2)"],
  ["Interval=99999999999", "Invalid heartbeat interval format '99999999999' (f.conf, line 2)"],
])("%s is refused", (text, message) => {
  expect(() => read(text)).toThrow(message);
});

test("what no table has is told with its place, whole sections too", () => {
  const ini = parseIni("[s]\nName=a\nPrt=1\nport=2\n[node pi]\nconstructor=x\n[t]\n", "f.conf");
  expect(unknownSettings(ini, (section) => (section === "s" ? table : undefined))).toEqual([
    "Prt= in [s] (f.conf, line 3)",
    "port= in [s] (f.conf, line 4)",
    "constructor= in [node pi] (f.conf, line 6)",
  ]);
  expect(unknownSettings(ini, () => table)).toHaveLength(3);
});

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), "settings-"));
});
afterAll(() => rmSync(folder, { recursive: true }));

test("later places win, key by key", () => {
  const at = (name: string) => join(folder, name);
  writeFileSync(at("defaults"), "[s]\nName=defaults\nLogLevel=INFO\nPort=1\nQuiet=a\nInterval=1\nNames=x\n");
  writeFileSync(at("main.conf"), "[s]\nName=main\nPort=2\nInterval=2\n");
  mkdirSync(at("main.conf.d"));
  writeFileSync(at("main.conf.d/20.conf"), "[s]\nName=twenty\n");
  writeFileSync(at("main.conf.d/10.conf"), "[s]\nName=ten\nInterval=3\n");
  writeFileSync(at("main.conf.d/90.txt"), "[s]\nName=not a drop-in\n");
  writeFileSync(at("named"), "[s]\nLogTarget=stderr\n");
  const places: ConfigurationPlaces = {
    defaults: at("defaults"),
    file: at("main.conf"),
    section: "s",
    named: at("named"),
    environment: { BC_LOG_LEVEL: "ERROR", BC_LOG_TARGET: "journald" },
    options: { Port: "5", Name: undefined },
  };
  const section = loadConfiguration(places).get("s") ?? new Map();
  const values = Object.fromEntries([...section].map(([key, entry]) => [key, entry.value]));
  expect(values).toEqual({
    Name: "twenty",
    Interval: "3",
    Port: "5",
    LogLevel: "ERROR",
    LogTarget: "stderr",
    Quiet: "a",
    Names: "x",
  });
});

test("a file that must exist and does not", () => {
  const missing = join(folder, "nowhere");
  const message = `Error loading configuration file '${missing}', error code 'No such file or directory'.`;
  expect(() => loadConfiguration({ defaults: missing, file: missing, section: "s" })).toThrow(message);
});
