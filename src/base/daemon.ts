import { describe } from "./failure.ts";
import { keepHeapSmall } from "./heap.ts";
import { ConfigurationError, type Ini } from "./ini.ts";
import { Log } from "./log.ts";
import { commonOptions, type Options, type OptionValues, readCommandLine } from "./options.ts";
import { type ConfigurationPlaces, defineSettings, loadConfiguration, printIni, type SettingsOf } from "./settings.ts";
import { packageVersion } from "./version.ts";

/** The settings that every daemon has. */
export const daemonSettings = defineSettings({
  LogLevel: { kind: "level", default: "INFO", help: "DEBUG, INFO, WARN or ERROR." },
  LogTarget: { kind: "target", default: "journald", help: "journald, stderr or stderr-full." },
  LogIsQuiet: { kind: "boolean", default: false, help: "Whether to log nothing at all." },
  IPReceiveErrors: {
    kind: "boolean",
    default: true,
    help: "Whether network errors end a connection at once (IP_RECVERR).",
  },
  TCPKeepAliveTime: {
    kind: "seconds",
    default: 1,
    what: "keepalive time",
    help: "Seconds of idleness before the first TCP keepalive probe.",
  },
  TCPKeepAliveInterval: {
    kind: "seconds",
    default: 1,
    what: "keepalive interval",
    help: "Seconds between TCP keepalive probes.",
  },
  TCPKeepAliveCount: {
    kind: "count",
    default: 6,
    what: "keepalive count",
    help: "Unanswered TCP keepalive probes before the connection counts as lost.",
  },
});

export type DaemonSettings = SettingsOf<typeof daemonSettings>;

/** The kernel keeps it in an int. */
const maxUserTimeoutMs = 2 ** 31 - 1;

/**
 * The options of TCP connections that a daemon's settings ask for. Keepalive probes an idle connection only; as long as
 * sent bytes are not acknowledged the kernel would wait for a quarter of an hour (tcp(7), tcp_retries2), so they get the
 * time that the probes get, or that the heartbeats get where that is more.
 * @param thresholdMs how long the peer may be silent, 0 for ever.
 */
export function socketOptions(settings: DaemonSettings, thresholdMs: number) {
  const { TCPKeepAliveTime, TCPKeepAliveInterval, TCPKeepAliveCount } = settings;
  const keepAliveMs = (TCPKeepAliveTime + TCPKeepAliveInterval * TCPKeepAliveCount) * 1000;
  return {
    keepAliveTimeS: TCPKeepAliveTime,
    keepAliveIntervalS: TCPKeepAliveInterval,
    keepAliveCount: TCPKeepAliveCount,
    userTimeoutMs: Math.min(Math.max(keepAliveMs, thresholdMs), maxUserTimeoutMs),
    receiveErrors: settings.IPReceiveErrors,
  };
}

/** A daemon as its start sees it. */
export interface Daemon<O extends Options, S extends DaemonSettings> {
  readonly summary: string;
  readonly options: O;
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
  readonly settings: S;
  readonly log: Log;
}

/** Runs a daemon until it is told to stop. What keeps it from running becomes one line on stderr and exit status 1. */
export async function runDaemon<const O extends Options, S extends DaemonSettings>(
  daemon: Daemon<O, S>,
  argv: readonly string[],
  name: string,
): Promise<number> {
  const stopped = Promise.withResolvers<string>();
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.once(signal, () => stopped.resolve(signal));
  const options = { ...daemon.options, ...commonOptions };
  const line = readCommandLine({ name, synopsis: "[OPTION]...", summary: daemon.summary, options }, argv);
  if (typeof line === "number") return line;
  try {
    if (line.words.length > 0) throw new Error(`unexpected argument '${line.words[0]}'`);
    keepHeapSmall();
    return await daemon.serve(start(daemon, line.values as OptionValues<O>, name), stopped.promise);
  } catch (error) {
    const text = describe(error);
    process.stderr.write(error instanceof ConfigurationError ? `${text}\n` : `${name}: ${text}\n`);
    return 1;
  }
}

function start<O extends Options, S extends DaemonSettings>(
  daemon: Daemon<O, S>,
  values: OptionValues<O>,
  name: string,
): Start<O, S> {
  const ini = loadConfiguration({ ...daemon.places(values), environment: process.env });
  const settings = daemon.readSettings(ini);
  const { LogLevel: level, LogTarget: target, LogIsQuiet: quiet } = settings;
  const log = new Log({ level, target, quiet, identifier: name });
  log.info(`Starting ${name} ${packageVersion}`);
  log.debug("Final configuration used:");
  for (const text of printIni(ini)) log.debug(text);
  return { values, settings, log };
}
