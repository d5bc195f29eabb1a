import type { Clock } from "./clock.ts";

/** How many may come at once, and how many more each second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** Names that are counted; beyond, the one that was away the longest is forgotten, and counts anew. */
const maxNames = 4096;

/** Counts how often each comes, by a name such as an address, so that nobody comes too often. */
export class Budgets {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #budgets = new Map<string, { left: number; atMs: number }>();

  constructor(clock: Clock, rate: Rate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  /** Counts one. @returns whether so many may come. */
  take(name: string): boolean {
    const { burst, perSecond } = this.#rate;
    const nowMs = this.#clock.monotonicMs();
    const budget = this.#budgets.get(name) ?? { left: burst, atMs: nowMs };
    const left = Math.min(burst, budget.left + ((nowMs - budget.atMs) * perSecond) / 1000);
    // Set anew, it is the last in the order of the map.
    this.#budgets.delete(name);
    this.#budgets.set(name, { left: left < 1 ? left : left - 1, atMs: nowMs });
    for (const [longest] of this.#budgets) {
      if (this.#budgets.size <= maxNames) break;
      this.#budgets.delete(longest);
    }
    return left >= 1;
  }
}
