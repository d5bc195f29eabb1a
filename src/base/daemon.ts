import { describe } from "./failure.ts";
import { keepHeapSmall } from "./heap.ts";
import { ConfigurationError, type Ini } from "./ini.ts";
import { Log } from "./log.ts";
import { commonOptions, type Options, type OptionValues, readCommandLine } from "./options.ts";
import { stderr } from "./output.ts";
import { Service } from "./service.ts";
import {
  type ConfigurationPlaces,
  defineSettings,
  loadConfiguration,
  printIni,
  type SettingsOf,
  type SettingsTable,
  unknownSettings,
} from "./settings.ts";
import { packageVersion } from "./version.ts";

/** The settings that every daemon has. */
export const daemonSettings = defineSettings({
  LogLevel: { kind: "level", default: "INFO", applies: "at once", help: "DEBUG, INFO, WARN or ERROR." },
  LogTarget: {
    kind: "target",
    default: "journald",
    applies: "after a restart",
    help: "journald, stderr or stderr-full.",
  },
  LogIsQuiet: { kind: "boolean", default: false, applies: "at once", help: "Whether to log nothing at all." },
  IPReceiveErrors: {
    kind: "boolean",
    default: true,
    applies: "to new links",
    help: "Whether network errors end a connection at once (IP_RECVERR).",
  },
  TCPKeepAliveTime: {
    kind: "secondsIfSet",
    default: undefined,
    applies: "to new links",
    what: "keepalive time",
    help: "Seconds of idleness before the first TCP keepalive probe. When it is not set, 1, or as long as heartbeats keep the connection from being idle: probes would tell nothing more.",
  },
  TCPKeepAliveInterval: {
    kind: "seconds",
    default: 1,
    applies: "to new links",
    what: "keepalive interval",
    help: "Seconds between TCP keepalive probes.",
  },
  TCPKeepAliveCount: {
    kind: "count",
    default: 6,
    applies: "to new links",
    what: "keepalive count",
    help: "Unanswered TCP keepalive probes before the connection counts as lost.",
  },
});

export type DaemonSettings = SettingsOf<typeof daemonSettings>;

/** Settings that do not exist which are warned of, each time the configuration is read. */
const maxWarnings = 20;

/** A daemon as its start sees it. */
export interface Daemon<O extends Options, S extends DaemonSettings> {
  readonly summary: string;
  readonly options: O;
  /** The settings of its own section. */
  readonly table: SettingsTable;
  /** The settings of any section; undefined for one that it does not have. */
  tableOf(section: string): SettingsTable | undefined;
  /** Where its configuration lies, with what the command line says. */
  places(values: OptionValues<O>): Omit<ConfigurationPlaces, "environment">;
  /** @throws ConfigurationError */
  readSettings(ini: Ini): S;
  /** @param stopped resolves with the name of the signal that asks for the end. @returns the exit status. */
  serve(start: Start<O, S>, stopped: Promise<string>): Promise<number>;
}

/** What a daemon starts with. */
export interface Start<O extends Options, S extends DaemonSettings> {
  readonly values: OptionValues<O>;
  /** Its settings, and who is told of its state. */
  readonly service: Service<S>;
  readonly log: Log;
}

/**
 * Runs a daemon until it is told to stop; SIGHUP has it read its configuration again. What keeps it from running becomes
 * one line on stderr and exit status 1.
 */
export async function runDaemon<const O extends Options, S extends DaemonSettings>(
  daemon: Daemon<O, S>,
  argv: readonly string[],
  name: string,
): Promise<number> {
  const stopped = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopped.resolve(signal));
  let service: Service<S> | undefined;
  // One that comes before the configuration is read has nothing to ask for.
  process.on("SIGHUP", () => service?.reload());
  const options = { ...daemon.options, ...commonOptions };
  const line = readCommandLine({ name, synopsis: "[OPTION]...", summary: daemon.summary, options }, argv);
  if (typeof line === "number") return line;
  try {
    if (line.words.length > 0) throw new Error(`unexpected argument '${line.words[0]}'`);
    keepHeapSmall();
    const started = start(daemon, line.values as OptionValues<O>, name);
    service = started.service;
    return await daemon.serve(started, stopped.promise);
  } catch (error) {
    const text = describe(error);
    stderr.write(error instanceof ConfigurationError ? `${text}\n` : `${name}: ${text}\n`);
    return 1;
  }
}

function start<O extends Options, S extends DaemonSettings>(
  daemon: Daemon<O, S>,
  values: OptionValues<O>,
  name: string,
): Start<O, S> {
  const load = () => loadConfiguration({ ...daemon.places(values), environment: process.env });
  const ini = load();
  const settings = daemon.readSettings(ini);
  const log = new Log({ identifier: name });
  log.configure(settings);
  log.info(`Starting ${name} ${packageVersion}`);
  const warn = (read: Ini) => {
    const unknown = unknownSettings(read, daemon.tableOf).slice(0, maxWarnings);
    for (const text of unknown) log.warn(`There is no such setting, so it does nothing: ${text}`);
  };
  warn(ini);
  log.debug("Final configuration used:");
  for (const text of printIni(ini)) log.debug(text);
  const read = () => {
    const next = load();
    const readSettings = daemon.readSettings(next);
    warn(next);
    return readSettings;
  };
  return { values, service: new Service({ table: daemon.table, settings, read, log }), log };
}
