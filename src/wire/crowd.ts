import type { Clock } from "../base/clock.ts";

/** How many connections may come at once from one address, and how many more each second. */
export interface Rate {
  readonly burst: number;
  readonly perSecond: number;
}

/** A fleet behind one router. */
export const usualRate: Rate = { burst: 10_000, perSecond: 1000 };
/** Addresses whose connections are counted; beyond, the one that was away the longest is forgotten, and counts anew. */
const maxAddresses = 4096;

/** A connection that has not been admitted. */
export interface Guest {
  /** The address it comes from. */
  readonly peer: string;
}

/** Those that have not been admitted, by the addresses that they come from, and how often each address comes. */
export class Crowd<G extends Guest> {
  readonly #clock: Clock;
  readonly #rate: Rate;
  readonly #guests = new Map<string, Set<G>>();
  readonly #budgets = new Map<string, { left: number; atMs: number }>();
  #size = 0;

  constructor(clock: Clock, rate = usualRate) {
    this.#clock = clock;
    this.#rate = rate;
  }

  get size(): number {
    return this.#size;
  }

  /** Counts a connection from an address. @returns whether so many may come from there. */
  comes(peer: string): boolean {
    const nowMs = this.#clock.monotonicMs();
    const { burst, perSecond } = this.#rate;
    const budget = this.#budgets.get(peer) ?? { left: burst, atMs: nowMs };
    const left = Math.min(burst, budget.left + ((nowMs - budget.atMs) * perSecond) / 1000);
    // Set anew, it is the last in the order of the map.
    this.#budgets.delete(peer);
    this.#budgets.set(peer, { left: left < 1 ? left : left - 1, atMs: nowMs });
    for (const [longest] of this.#budgets) {
      if (this.#budgets.size <= maxAddresses) break;
      this.#budgets.delete(longest);
    }
    return left >= 1;
  }

  add(guest: G): void {
    const others = this.#guests.get(guest.peer);
    if (others) others.add(guest);
    else this.#guests.set(guest.peer, new Set([guest]));
    this.#size++;
  }

  delete(guest: G): void {
    const guests = this.#guests.get(guest.peer);
    if (!guests?.delete(guest)) return;
    this.#size--;
    if (guests.size === 0) this.#guests.delete(guest.peer);
  }

  /** Who has to make room: the oldest of the address with the most, so that a flood pushes out nobody but itself. */
  get superfluous(): G | undefined {
    let most: Set<G> | undefined;
    for (const guests of this.#guests.values()) if (guests.size > (most?.size ?? 0)) most = guests;
    const [oldest] = most ?? [];
    return oldest;
  }

  [Symbol.iterator](): Iterator<G> {
    return [...this.#guests.values()].flatMap((guests) => [...guests]).values();
  }
}
