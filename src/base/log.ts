import { type Fields, Journal } from "./journal.ts";

/** Levels in rising order of weight, with the syslog priority that journald files them under (syslog(3)). */
const levels = { DEBUG: 7, INFO: 6, WARN: 4, ERROR: 3 } as const;
export type Level = keyof typeof levels;

const targets = ["journald", "stderr", "stderr-full"] as const;
export type Target = (typeof targets)[number];

export function isLevel(word: string): word is Level {
  return Object.hasOwn(levels, word);
}

export function isTarget(word: string): word is Target {
  return (targets as readonly string[]).includes(word);
}

/** Characters of an entry; the rest is cut off. */
const maxText = 16 * 1024;

interface LogOptions {
  readonly level?: Level;
  readonly target?: Target;
  readonly quiet?: boolean;
  /** The program's name. */
  readonly identifier?: string;
  /** Where in the source the entries come from; see `Log.from`. */
  readonly origin?: string;
  /** Whether a service manager runs us, whose services log to the journal; by default what the environment says. */
  readonly inJournal?: boolean;
  /** Gives an entry to the journal. @returns whether it was taken. */
  readonly journal?: (fields: Fields) => boolean;
  /** Writes to stderr. */
  readonly write?: (line: string) => void;
}

/** What a log has in common with those made from it. */
interface Shared {
  level: Level;
  target: Target;
  quiet: boolean;
  readonly identifier: string;
  readonly inJournal: boolean;
  readonly journal: (fields: Fields) => boolean;
  readonly write: (line: string) => void;
}

/** The log of a daemon. Lines below `level` are dropped, all of them while `quiet`. */
export class Log {
  #shared: Shared;
  #origin: string;

  constructor(options: LogOptions = {}) {
    const journal = new Journal();
    this.#shared = {
      level: options.level ?? "INFO",
      target: options.target ?? "stderr",
      quiet: options.quiet ?? false,
      identifier: options.identifier ?? "bluechi",
      inJournal: options.inJournal ?? (process.env.INVOCATION_ID !== undefined && !process.stderr.isTTY),
      // Who catches the lines catches them all.
      journal: options.journal ?? (options.write ? () => false : (fields) => journal.send(fields)),
      write: options.write ?? ((line) => void process.stderr.write(line)),
    };
    this.#origin = options.origin ?? "src";
  }

  /**
   * The same log for the parts in a folder of the source: `CODE_FILE` of their entries. The folder is told by hand, and
   * line and function not at all: a stack trace in the executable, which is minified, has only places like
   * `/$bunfs/root/bluechi:2:136`, and names of one letter.
   */
  from(origin: string): Log {
    const log = new Log();
    log.#shared = this.#shared;
    log.#origin = origin;
    return log;
  }

  get level(): Level {
    return this.#shared.level;
  }

  set level(level: Level) {
    this.#shared.level = level;
  }

  get target(): Target {
    return this.#shared.target;
  }

  debug(text: string): void {
    this.#put("DEBUG", text);
  }

  info(text: string): void {
    this.#put("INFO", text);
  }

  warn(text: string): void {
    this.#put("WARN", text);
  }

  error(text: string): void {
    this.#put("ERROR", text);
  }

  #put(level: Level, text: string): void {
    const { target, quiet, identifier, inJournal, journal, write } = this.#shared;
    if (quiet || levels[level] > levels[this.level]) return;
    const message = text.length > maxText ? `${text.slice(0, maxText)}...` : text;
    // Text may carry what a peer sent: on stderr one entry stays one line.
    const line = message.replaceAll("\n", " ");
    // Somebody who starts a daemon by hand reads it on a terminal.
    switch (target === "journald" && !inJournal ? "stderr" : target) {
      case "journald": {
        const PRIORITY = String(levels[level]);
        const fields = { MESSAGE: message, PRIORITY, SYSLOG_IDENTIFIER: identifier, CODE_FILE: this.#origin };
        // A priority in front of a line on stderr is understood by journald (sd-daemon(3), SyslogLevelPrefix=).
        if (!journal(fields)) write(`<${PRIORITY}>${line}\n`);
        break;
      }
      case "stderr":
        write(`${stamp(new Date())} ${level}\t: ${line}\n`);
        break;
      case "stderr-full":
        write(`${stamp(new Date())} ${level}\t${this.#origin}\tmsg="${line}"\n`);
        break;
    }
  }
}

/** Local time as `2026-11-22 14:18:18,687+0000`. */
export function stamp(date: Date): string {
  const pad = (value: number, width = 2) => String(value).padStart(width, "0");
  const zone = -date.getTimezoneOffset();
  const day = `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())}`;
  const time = `${pad(date.getHours())}:${pad(date.getMinutes())}:${pad(date.getSeconds())}`;
  const offset = `${zone < 0 ? "-" : "+"}${pad(Math.floor(Math.abs(zone) / 60))}${pad(Math.abs(zone) % 60)}`;
  return `${day} ${time},${pad(date.getMilliseconds(), 3)}${offset}`;
}
