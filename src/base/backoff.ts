/**
 * Delays between attempts: the first at once, then doubling from `firstMs` to `maxMs`, each spread over half to the whole
 * of its length so that many who lost the same peer do not return in step.
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
    if (attempt === 0) return 0;
    const full = Math.min(this.#maxMs, this.#firstMs * 2 ** Math.min(attempt - 1, 30));
    return full * (0.5 + this.#random() / 2);
  }

  /** Begins anew. @param attempts how many count as made already: 1 means that the next is not at once. */
  reset(attempts = 0): void {
    this.#attempts = attempts;
  }
}
