import type { Clock, Timer } from "./clock.ts";

interface Due {
  readonly atMs: number;
  readonly order: number;
  readonly fire: () => void;
}

/** A clock that stands still until a test turns it. Timers that are due at the same time fire in the order they were set. */
export class FakeClock implements Clock {
  #nowMs = 0;
  #order = 0;
  readonly #timers = new Set<Due>();

  realtimeUs(): bigint {
    return 1_700_000_000_000_000n + this.monotonicUs();
  }

  monotonicUs(): bigint {
    return BigInt(Math.round(this.#nowMs * 1000));
  }

  monotonicMs(): number {
    return this.#nowMs;
  }

  after(delayMs: number, fire: () => void): Timer {
    const timer = { atMs: this.#nowMs + Math.max(0, delayMs), order: this.#order++, fire };
    this.#timers.add(timer);
    return { cancel: () => void this.#timers.delete(timer) };
  }

  /** How many timers are set. */
  get pending(): number {
    return this.#timers.size;
  }

  /** When the next timer is due, in ms of this clock, or undefined when none is set. */
  get nextMs(): number | undefined {
    return this.#next()?.atMs;
  }

  /** Lets `ms` milliseconds pass and fires what falls due on the way, in order. */
  advance(ms: number): void {
    const end = this.#nowMs + ms;
    for (let due = this.#next(); due && due.atMs <= end; due = this.#next()) {
      this.#timers.delete(due);
      this.#nowMs = Math.max(this.#nowMs, due.atMs);
      due.fire();
    }
    this.#nowMs = Math.max(this.#nowMs, end);
  }

  /** Lets `ms` milliseconds pass in which nothing fires, as while a process is busy or stopped. */
  oversleep(ms: number): void {
    this.#nowMs += ms;
  }

  #next(): Due | undefined {
    let next: Due | undefined;
    for (const timer of this.#timers) {
      if (!next || timer.atMs < next.atMs || (timer.atMs === next.atMs && timer.order < next.order)) next = timer;
    }
    return next;
  }
}
