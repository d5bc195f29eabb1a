/** How much longer each delay is than the one before. */
const growth = 1.2;

/**
 * Delays between attempts: the first is short, up to `firstMs`, the next ones grow from `firstMs` to `maxMs`, spread over
 * half to the whole of their length. So many who lost the same peer do not return in step; and they grow so slowly that a
 * peer that was away for a second is found again within 300 ms, from a `firstMs` of 100.
 */
export class Backoff {
  readonly #firstMs: number;
  readonly #maxMs: number;
  readonly #random: () => number;
  #attempts = 0;

  /** @param random gives numbers from 0 to 1; tests seed it. */
  constructor(firstMs: number, maxMs: number, random: () => number = Math.random) {
    this.#firstMs = firstMs;
    this.#maxMs = maxMs;
    this.#random = random;
  }

  /** How long to wait before the next attempt, in ms. */
  next(): number {
    const attempt = this.#attempts++;
    if (attempt === 0) return this.#firstMs * this.#random();
    // The exponent is bounded only so that it does not overflow.
    const full = Math.min(this.#maxMs, this.#firstMs * growth ** Math.min(attempt - 1, 100));
    return full * (0.5 + this.#random() / 2);
  }

  /** Begins anew. @param attempts how many count as made already: 1 means that the next is not the short one. */
  reset(attempts = 0): void {
    this.#attempts = attempts;
  }
}
