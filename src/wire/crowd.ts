import { Budgets, type Rate } from "../base/budgets.ts";
import type { Clock } from "../base/clock.ts";

/** A fleet behind one router. */
export const usualRate: Rate = { burst: 10_000, perSecond: 1000 };

/** A connection that has not been admitted. */
export interface Guest {
  /** The address it comes from. */
  readonly peer: string;
}

/** Those that have not been admitted, by the addresses that they come from, and how often each address comes. */
export class Crowd<G extends Guest> {
  readonly #guests = new Map<string, Set<G>>();
  readonly #budgets: Budgets;
  #size = 0;

  constructor(clock: Clock, rate = usualRate) {
    this.#budgets = new Budgets(clock, rate);
  }

  get size(): number {
    return this.#size;
  }

  /** Counts a connection from an address. @returns whether so many may come from there. */
  comes(peer: string): boolean {
    return this.#budgets.take(peer);
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
