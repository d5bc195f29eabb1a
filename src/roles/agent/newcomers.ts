import type { Clock, Timer } from "../../base/clock.ts";
import type { Systemd, UnitState } from "../../systemd/port.ts";

/** What has not been told by then is asked for: the state of a unit that a job starts follows its name at once. */
const settleMs = 100;

/** The states of more units than this at once are not asked for; they are told when they change. */
const maxNew = 4096;

/**
 * Units that systemd has told of, but not in which state they are: it does not say so of one that is there because it is
 * active, as a mount that somebody else has made, or a device.
 */
export class Newcomers {
  readonly #systemd: Pick<Systemd, "listUnits">;
  readonly #clock: Clock;
  readonly #settle: (unit: string, state: UnitState) => void;
  /** Each with what tells it from one of the same name that was there before. */
  readonly #units = new Map<string, object>();
  #due: Timer | undefined;

  /** @param settle is told the state of each of which nothing else was heard. */
  constructor(systemd: Pick<Systemd, "listUnits">, clock: Clock, settle: (unit: string, state: UnitState) => void) {
    this.#systemd = systemd;
    this.#clock = clock;
    this.#settle = settle;
  }

  add(unit: string): void {
    if (this.#units.size >= maxNew) return;
    this.#units.set(unit, {});
    this.#due ??= this.#clock.after(settleMs, () => void this.#ask());
  }

  /** Its state has been told, or it is gone. */
  delete(unit: string): void {
    this.#units.delete(unit);
  }

  clear(): void {
    this.#units.clear();
    this.#due?.cancel();
    this.#due = undefined;
  }

  async #ask(): Promise<void> {
    this.#due = undefined;
    const asked = new Map(this.#units);
    if (asked.size === 0) return;
    // Without systemd there is no controller that waits for an answer.
    const listed = await this.#systemd.listUnits(...asked.keys()).catch(() => []);
    for (const { unit, activeState, subState } of listed) {
      const mark = asked.get(unit);
      if (mark && this.#units.get(unit) === mark) this.#settle(unit, { loaded: true, activeState, subState });
    }
    for (const [unit, mark] of asked) if (this.#units.get(unit) === mark) this.#units.delete(unit);
  }
}
