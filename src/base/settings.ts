import { readdirSync, readFileSync, statSync } from "node:fs";
import { userInfo } from "node:os";
import { join } from "node:path";
import { ConfigurationError, type Entry, type Ini, mergeIni, parseIni } from "./ini.ts";
import { isLevel, isTarget, type Level, type Target } from "./log.ts";

/** The kinds of values that settings have, and what each becomes. */
interface Kinds {
  text: string;
  port: number;
  portIfSet: number | undefined;
  milliseconds: number;
  seconds: number;
  /** Without a default, like all whose names end so: what it is then follows from something else. */
  secondsIfSet: number | undefined;
  count: number;
  boolean: boolean;
  booleanIfSet: boolean | undefined;
  list: readonly string[];
  level: Level;
  target: Target;
  word: string;
  wordIfSet: string | undefined;
}

/** When a value that has changed counts after a reload; after a restart of the daemon at the latest. */
type Applies = "at once" | "to new links" | "after a restart";

/** One key of a configuration file. `what` names a number in the message about a malformed one. */
export type Setting = {
  [K in keyof Kinds]: {
    readonly kind: K;
    readonly default: Kinds[K];
    readonly applies: Applies;
    readonly what?: string;
    readonly help: string;
  } & (K extends "word" | "wordIfSet" ? { readonly words: readonly string[] } : unknown);
}[keyof Kinds];

export type SettingsTable = Record<string, Setting>;
export type SettingsOf<T extends SettingsTable> = {
  readonly [Key in keyof T]: T[Key] extends { words: readonly (infer Word)[] }
    ? Word | Extract<T[Key]["default"], undefined>
    : Kinds[T[Key]["kind"]];
};

/** Checks the shape of a table of settings and keeps its exact type. */
export function defineSettings<const T extends SettingsTable>(table: T): T {
  return table;
}

/** The texts that count as true, in any case; everything else is false. */
const trueWords = ["true", "t", "yes", "y", "on"];

/** The highest value of a number: an i32, as timers and socket options take it. */
const maxNumber = 2_147_483_647;

/**
 * Reads the settings of a table from a section. Empty values count as not set; unknown levels and targets are ignored.
 * @throws ConfigurationError for a malformed number, or a word that is none of the setting's, naming it and where it stands.
 */
export function readSettings<T extends SettingsTable>(table: T, section: ReadonlyMap<string, Entry>): SettingsOf<T> {
  const settings: Record<string, unknown> = {};
  for (const [key, setting] of Object.entries(table)) {
    const entry = section.get(key);
    settings[key] = entry && entry.value !== "" ? readValue(key, setting, entry) : setting.default;
  }
  return settings as SettingsOf<T>;
}

/**
 * What of a configuration is in no table, in words: it counts for nothing, and may be a misspelt setting.
 * @param tableOf the table of a section; undefined for one that does not exist.
 */
export function unknownSettings(ini: Ini, tableOf: (section: string) => SettingsTable | undefined): string[] {
  return [...ini].flatMap(([section, entries]) => {
    const table = tableOf(section);
    const unknown = [...entries].filter(([key]) => table === undefined || !Object.hasOwn(table, key));
    return unknown.map(([key, entry]) => `${key}= in [${section}] (${placeOf(entry)})`);
  });
}

function readValue(key: string, setting: Setting, entry: Entry): Kinds[keyof Kinds] {
  const { value } = entry;
  switch (setting.kind) {
    case "text":
      return value;
    case "boolean":
    case "booleanIfSet":
      return trueWords.includes(value.toLowerCase());
    case "list":
      return splitList(value);
    case "level":
      return isLevel(value) ? value : setting.default;
    case "target":
      return isTarget(value) ? value : setting.default;
    case "word":
    case "wordIfSet":
      if (setting.words.includes(value)) return value;
      throw new ConfigurationError(`Invalid ${key} '${value}', only ${setting.words.join(" or ")} (${placeOf(entry)})`);
    case "port":
    case "portIfSet":
      return readNumber(setting.what ?? key, entry, 65_535);
    case "milliseconds":
    case "seconds":
    case "secondsIfSet":
    case "count":
      return readNumber(setting.what ?? key, entry, maxNumber);
  }
}

function readNumber(what: string, entry: Entry, max: number): number {
  const number = Number(entry.value);
  if (/^\d{1,10}$/.test(entry.value) && number <= max) return number;
  throw new ConfigurationError(`Invalid ${what} format '${entry.value}' (${placeOf(entry)})`);
}

function placeOf({ file, line }: Entry): string {
  return line > 0 ? `${file}, line ${line}` : file;
}

/** The items of a comma-separated list, trimmed, without empty ones and repetitions. */
function splitList(value: string): string[] {
  return [...new Set(value.split(",").map((item) => item.trim()))].filter((item) => item !== "");
}

/** Where a daemon's configuration lies, in the order in which later ones win. */
export interface ConfigurationPlaces {
  /** The package's defaults; must exist. */
  readonly defaults: string;
  /** The administrator's file; `.d` beside it holds drop-ins ending in `.conf`. Neither has to exist. */
  readonly file: string;
  /** The section that the environment's and the command line's values go to. */
  readonly section: string;
  /** The file named with `-c`; must exist. */
  readonly named?: string | undefined;
  /** Values of command line options by key. */
  readonly options?: Readonly<Record<string, string | undefined>>;
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

const environmentKeys = {
  BC_LOG_LEVEL: "LogLevel",
  BC_LOG_TARGET: "LogTarget",
  BC_LOG_IS_QUIET: "LogIsQuiet",
} as const;

/**
 * Reads and merges all of a daemon's configuration.
 * @throws ConfigurationError for a file that must exist and does not, that cannot be read, or is malformed.
 */
export function loadConfiguration(places: ConfigurationPlaces): Ini {
  let ini: Ini = readIni(places.defaults);
  if (exists(places.file)) ini = mergeIni(ini, readIni(places.file));
  for (const dropIn of dropIns(`${places.file}.d`)) ini = mergeIni(ini, readIni(dropIn));
  const environment = Object.entries(environmentKeys).map(([name, key]) => [key, places.environment?.[name]] as const);
  ini = mergeIni(ini, asIni(places.section, "the environment", environment));
  if (places.named !== undefined) ini = mergeIni(ini, readIni(places.named));
  return mergeIni(ini, asIni(places.section, "the command line", Object.entries(places.options ?? {})));
}

function asIni(section: string, file: string, values: readonly (readonly [string, string | undefined])[]): Ini {
  const entries = new Map<string, Entry>();
  for (const [key, value] of values) if (value !== undefined) entries.set(key, { value, file, line: 0 });
  return new Map([[section, entries]]);
}

/** A configuration file larger than this is refused. */
const maxFileBytes = 1024 * 1024;

function readIni(file: string): Ini {
  let text: string;
  try {
    if (statSync(file).size > maxFileBytes) throw new ConfigurationError(`Configuration file '${file}' is too large`);
    text = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof ConfigurationError) throw error;
    const text = `Error loading configuration file '${file}', error code '${reason(error)}'.`;
    throw new ConfigurationError(`${text}${sandboxHint(file)}`);
  }
  return parseIni(text, file);
}

/** Why a service may not find what is there for those who look: its unit may keep it from that. "" when it is no service. */
function sandboxHint(file: string): string {
  if (process.env.INVOCATION_ID === undefined) return "";
  if (/^\/(home|root|tmp|var\/tmp|run\/user)\//.test(file)) {
    return " (in /home, /root and /tmp a service may see nothing: ProtectHome= and PrivateTmp= of its unit)";
  }
  return process.geteuid?.() === 0 ? "" : ` (the service runs as user '${userInfo().username}')`;
}

const reasons: Record<string, string> = {
  ENOENT: "No such file or directory",
  EACCES: "Permission denied",
  EISDIR: "Is a directory",
  ENOTDIR: "Not a directory",
};

function reason(error: unknown): string {
  const code = error instanceof Error && "code" in error ? String(error.code) : "";
  return reasons[code] ?? (code || String(error));
}

function exists(file: string): boolean {
  return statSync(file, { throwIfNoEntry: false }) !== undefined;
}

function dropIns(folder: string): string[] {
  if (!exists(folder)) return [];
  const names = readdirSync(folder).filter((name) => name.endsWith(".conf"));
  return names.sort().map((name) => join(folder, name));
}

/** The merged configuration as text, for the log. */
export function printIni(ini: Ini): string[] {
  return [...ini].flatMap(([name, entries]) => [
    `[${name}]`,
    ...[...entries].map(([key, { value }]) => `${key}=${value}`),
  ]);
}
