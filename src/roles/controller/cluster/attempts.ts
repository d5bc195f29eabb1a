import { Budgets } from "../../../base/budgets.ts";
import type { Clock } from "../../../base/clock.ts";
import { ErrorName, Failure } from "../../../base/failure.ts";

/** Attempts to join of one address: a fleet behind one router, of hosts that wait to be approved, too. */
export const attemptsOfPeer = { burst: 60, perSecond: 2 };
/** Those of all. */
export const attemptsInAll = { burst: 1000, perSecond: 50 };

/** Counts who asks to join: each time costs a signature to check. */
export class Attempts {
  readonly #peers: Budgets;
  readonly #all: Budgets;

  constructor(clock: Clock) {
    this.#peers = new Budgets(clock, attemptsOfPeer);
    this.#all = new Budgets(clock, attemptsInAll);
  }

  /** @throws Failure LimitsExceeded when an address has asked too often, or all together have. */
  count(peer: string): void {
    if (this.#peers.take(peer) && this.#all.take("")) return;
    throw new Failure(ErrorName.LimitsExceeded, "too many attempts to join, try again in a minute");
  }
}
