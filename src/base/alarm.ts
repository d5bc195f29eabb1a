import type { Clock, Timer } from "./clock.ts";

/**
 * One timer for many deadlines, of which nearly none is ever reached: setting a timer and taking it back costs as much as
 * sending a message. So it is set for the first deadline and left there, and what is due is looked for when it rings.
 */
export class Alarm {
  readonly #clock: Clock;
  readonly #ring: (nowMs: number) => number;
  #timer: Timer | undefined;
  #atMs = Number.POSITIVE_INFINITY;

  /**
   * @param ring does what is due. It may be called when nothing is. @returns the next deadline, in ms of the clock; Infinity
   * for none.
   */
  constructor(clock: Clock, ring: (nowMs: number) => number) {
    this.#clock = clock;
    this.#ring = ring;
  }

  /** Rings at this time of the clock at the latest. */
  by(dueMs: number): void {
    if (dueMs >= this.#atMs) return;
    this.#timer?.cancel();
    this.#atMs = dueMs;
    this.#timer = this.#clock.after(Math.max(0, dueMs - this.#clock.monotonicMs()), () => this.#wake());
  }

  /** Rings no more, until there is a deadline again. */
  cancel(): void {
    this.#timer?.cancel();
    this.#atMs = Number.POSITIVE_INFINITY;
  }

  #wake(): void {
    this.#atMs = Number.POSITIVE_INFINITY;
    this.by(this.#ring(this.#clock.monotonicMs()));
  }
}
