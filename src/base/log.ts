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

/** The log of a daemon. Lines below `level` are dropped, all of them while `quiet`. */
export class Log {
  level: Level;
  target: Target;
  quiet: boolean;
  readonly #write: (line: string) => void;
  readonly #inJournal: boolean;

  /** @param options.inJournal whether journald reads what is written; by default what the service manager says. */
  constructor(
    options: {
      level?: Level;
      target?: Target;
      quiet?: boolean;
      inJournal?: boolean;
      write?: (line: string) => void;
    } = {},
  ) {
    this.level = options.level ?? "INFO";
    this.target = options.target ?? "stderr";
    this.quiet = options.quiet ?? false;
    this.#inJournal = options.inJournal ?? process.env.JOURNAL_STREAM !== undefined;
    this.#write = options.write ?? ((line) => void process.stderr.write(line));
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
    if (this.quiet || levels[level] > levels[this.level]) return;
    // Text may carry what a peer sent: one entry stays one line.
    const line = text.replaceAll("\n", " ");
    // Somebody who starts a daemon by hand reads it on a terminal.
    switch (this.target === "journald" && !this.#inJournal ? "stderr" : this.target) {
      case "journald":
        // A priority in front of a line on stderr is understood by journald (sd-daemon(3), SyslogLevelPrefix=).
        this.#write(`<${levels[level]}>${line}\n`);
        break;
      case "stderr":
        this.#write(`${stamp(new Date())} ${level}\t: ${line}\n`);
        break;
      case "stderr-full":
        this.#write(`${stamp(new Date())} ${level}\tmsg="${line}"\n`);
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
