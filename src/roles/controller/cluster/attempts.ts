import { ErrorName, Failure } from "../../../base/failure.ts";

/** Attempts of an address in `windowMs`, and addresses that are counted. */
export const maxAttempts = 60;
const windowMs = 60_000;
const maxPeers = 1000;

/**
 * Counts who asks to join: each time costs a signature to check. Bounds: an address has `maxAttempts` a minute. Of more than
 * `maxPeers` addresses the one whose minute began first is forgotten.
 */
export class Attempts {
  readonly #peers = new Map<string, { sinceMs: number; count: number }>();

  /** @throws Failure LimitsExceeded when an address has asked too often. */
  count(peer: string, nowMs: number): void {
    const known = this.#peers.get(peer);
    if (!known || nowMs - known.sinceMs >= windowMs) {
      this.#peers.delete(peer);
      this.#peers.set(peer, { sinceMs: nowMs, count: 1 });
      const [oldest] = this.#peers.keys();
      if (this.#peers.size > maxPeers && oldest !== undefined) this.#peers.delete(oldest);
      return;
    }
    known.count++;
    if (known.count > maxAttempts)
      throw new Failure(ErrorName.LimitsExceeded, "too many attempts to join from there, try again in a minute");
  }
}
