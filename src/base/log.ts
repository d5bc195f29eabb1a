import { type Fields, Journal } from "./journal.ts";
import { stderr } from "./output.ts";
import { printable } from "./printable.ts";

/** Levels in rising order of weight, with the syslog priority that journald files them under (syslog(3)). */
const levels = { DEBUG: 7, INFO: 6, WARN: 4, ERROR: 3 } as const;
/** What audits are filed under, beside the levels: a notice. */
const auditPriority = 5;
export type Level = keyof typeof levels;
export const levelNames: readonly string[] = Object.keys(levels);

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

/** What a daemon's configuration says of its log. */
export interface LogSettings {
  readonly LogLevel: Level;
  readonly LogTarget: Target;
  readonly LogIsQuiet: boolean;
}

interface LogOptions {
  readonly level?: Level;
  readonly target?: Target;
  readonly quiet?: boolean;
  /** The program's name. */
  readonly identifier?: string;
  /** Whether a service manager runs us, whose services log to the journal; by default what the environment says. */
  readonly inJournal?: boolean;
  /** Gives an entry to the journal. @returns whether it was taken. */
  readonly journal?: (fields: Fields, patient: boolean) => boolean;
  /** Writes to stderr. */
  readonly write?: (line: string) => void;
}

/**
 * Where a log call stands, as `FILE:LINE FUNC` with FILE relative to the top of the repository. scripts/places.ts adds it to
 * each call when the executable is compiled; run from its sources, the program has no places.
 */
type Place = string;

/** The log of a daemon. Lines below `level` are dropped, all of them while `quiet`. */
export class Log {
  level: Level;
  #target: Target;
  #quiet: boolean;
  readonly #identifier: string;
  readonly #inJournal: boolean;
  readonly #journal: (fields: Fields, patient: boolean) => boolean;
  readonly #write: (line: string) => void;

  constructor(options: LogOptions = {}) {
    this.level = options.level ?? "INFO";
    this.#target = options.target ?? "stderr";
    this.#quiet = options.quiet ?? false;
    this.#identifier = options.identifier ?? "bluechi";
    this.#inJournal = options.inJournal ?? (process.env.INVOCATION_ID !== undefined && !stderr.isTerminal);
    const journal = new Journal();
    // Who catches the lines catches them all.
    this.#journal =
      options.journal ?? (options.write ? () => false : (fields, patient) => journal.send(fields, patient));
    this.#write = options.write ?? ((line) => stderr.write(line));
  }

  debug(text: string, place?: Place): void {
    this.#put("DEBUG", text, place);
  }

  info(text: string, place?: Place): void {
    this.#put("INFO", text, place);
  }

  warn(text: string, place?: Place): void {
    this.#put("WARN", text, place);
  }

  error(text: string, place?: Place): void {
    this.#put("ERROR", text, place);
  }

  /**
   * Who did or tried what, or was kept from it. Written at every level, with fields of its own in the journal; not while the
   * log is quiet.
   */
  audit(text: string, fields: Fields, place?: Place): void {
    this.#entry(text, "AUDIT", auditPriority, place, fields);
  }

  get target(): Target {
    return this.#target;
  }

  /** Takes over what a configuration says of it. */
  configure({ LogLevel, LogTarget, LogIsQuiet }: LogSettings): void {
    this.level = LogLevel;
    this.#target = LogTarget;
    this.#quiet = LogIsQuiet;
  }

  #put(level: Level, text: string, place?: Place): void {
    if (levels[level] <= levels[this.level]) this.#entry(text, level, levels[level], place);
  }

  #entry(text: string, word: string, priority: number, place: Place | undefined, own?: Fields): void {
    if (this.#quiet) return;
    // Text may carry what a peer sent: on stderr one entry stays one line, and journalctl hides what has control characters.
    const message = printable(text.length > maxText ? `${text.slice(0, maxText)}...` : text);
    const line = () => message.replaceAll("\n", " ");
    // Somebody who starts a daemon by hand reads it on a terminal.
    switch (this.target === "journald" && !this.#inJournal ? "stderr" : this.target) {
      case "journald": {
        const PRIORITY = String(priority);
        const usual = { MESSAGE: message, PRIORITY, SYSLOG_IDENTIFIER: this.#identifier };
        const fields = { ...own, ...usual, ...placeFields(place) };
        // A priority in front of a line on stderr is understood by journald (sd-daemon(3), SyslogLevelPrefix=).
        if (!this.#journal(fields, own !== undefined)) this.#write(`<${PRIORITY}>${line()}\n`);
        break;
      }
      case "stderr":
        this.#write(`${stamp(new Date())} ${word}\t: ${line()}\n`);
        break;
      case "stderr-full":
        this.#write(`${stamp(new Date())} ${word}\t${place ? `${place}\t` : ""}msg="${line()}"\n`);
        break;
    }
  }
}

/** Of the places that have logged, which are as many as the program has at most. */
const fieldsOfPlaces = new Map<Place | undefined, Fields>();

/** A place as systemd.journal-fields(7) names its parts. */
function placeFields(place: Place | undefined): Fields {
  const known = fieldsOfPlaces.get(place);
  if (known) return known;
  const [, CODE_FILE, CODE_LINE, CODE_FUNC] = place?.match(/^(.+?):(\d+) (.+)$/) ?? [];
  const fields: Fields = CODE_FILE && CODE_LINE && CODE_FUNC ? { CODE_FILE, CODE_LINE, CODE_FUNC } : {};
  fieldsOfPlaces.set(place, fields);
  return fields;
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
