import { isDeepStrictEqual } from "node:util";
import { describe } from "./failure.ts";
import { clockMonotonicUs } from "./libc.ts";
import type { Log, LogSettings } from "./log.ts";
import { notify } from "./notify.ts";
import type { SettingsTable } from "./settings.ts";

/** Told of what is in force after a reload, and what was before. */
type Taker<S> = (settings: S, before: S) => void;

interface ServiceOptions<S> {
  readonly table: SettingsTable;
  /** What was read at the start. */
  readonly settings: S;
  /** Reads the configuration again. @throws Error when it cannot be used. */
  readonly read: () => S;
  readonly log: Log;
  /** Tells the service manager (sd_notify(3)). */
  readonly tell?: (...lines: string[]) => void;
}

/** A daemon as its service manager sees it: its state in words, and its settings, which a reload changes. */
export class Service<S extends LogSettings> {
  readonly #options: ServiceOptions<S>;
  readonly #tell: (...lines: string[]) => void;
  #settings: S;
  /** The configuration as it was read last, with what has to wait for a restart. */
  #read: S;
  #status: (() => string) | undefined;
  #take: Taker<S> = () => {};
  /** What the status has to say of the last reload. */
  #remark = "";
  #asked = false;

  constructor(options: ServiceOptions<S>) {
    this.#options = options;
    this.#settings = options.settings;
    this.#read = options.settings;
    this.#tell = options.tell ?? notify;
  }

  /** What is in force now. */
  get settings(): S {
    return this.#settings;
  }

  /** Says that the daemon serves. A reload that was asked for before is done now. */
  ready(status: () => string, take: Taker<S>): void {
    this.#status = status;
    this.#take = take;
    this.#tell("READY=1", this.#statusLine());
    if (this.#asked) this.reload();
  }

  /** Says what state the daemon is in now. */
  statusChanged(): void {
    if (this.#status) this.#tell(this.#statusLine());
  }

  /**
   * Reads the configuration again and has it taken over. One that cannot be used changes nothing. The service manager
   * is told when it begins and ends, and in the status what is wrong (sd_notify(3), RELOADING=1).
   */
  reload(): void {
    if (!this.#status) {
      this.#asked = true;
      return;
    }
    this.#tell("RELOADING=1", `MONOTONIC_USEC=${clockMonotonicUs()}`);
    this.#remark = this.#readAgain();
    this.#tell("READY=1", this.#statusLine());
  }

  /** Says that the daemon ends. From now on it reads no configuration any more. */
  stopping(): void {
    this.#status = undefined;
    this.#tell("STOPPING=1");
  }

  #statusLine(): string {
    return `STATUS=${[this.#status?.(), this.#remark].filter((part) => part).join("; ")}`;
  }

  #readAgain(): string {
    const { table, read, log } = this.#options;
    let next: S;
    try {
      next = read();
    } catch (error) {
      log.error(`Configuration not reloaded, the one before stays in force: ${describe(error)}`);
      return `configuration not reloaded: ${describe(error)}`;
    }
    const before = this.#settings;
    const { settings, waiting, news } = takeOver(table, before, this.#read, next);
    [this.#settings, this.#read] = [settings, next];
    log.configure(settings);
    log.info("Configuration reloaded");
    if (news.length > 0) log.warn(`What is new in ${news.join(", ")} counts after a restart`);
    this.#take(settings, before);
    return waiting.length > 0 ? `restart needed for ${waiting.join(", ")}` : "";
  }
}

/**
 * Lays settings that were read on those in force.
 * @param read those that were read before.
 * @returns waiting: the keys whose values wait for a restart; news: those of them that `read` did not have so.
 */
export function takeOver<S extends object>(
  table: SettingsTable,
  inForce: S,
  read: S,
  next: S,
): { settings: S; waiting: string[]; news: string[] } {
  const late = Object.keys(table).filter((key) => table[key]?.applies === "after a restart") as (keyof S & string)[];
  const waiting = late.filter((key) => !isDeepStrictEqual(next[key], inForce[key]));
  const kept = Object.fromEntries(waiting.map((key) => [key, inForce[key]]));
  const news = waiting.filter((key) => !isDeepStrictEqual(next[key], read[key]));
  return { settings: { ...next, ...kept }, waiting, news };
}
