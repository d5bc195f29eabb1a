import { Alarm } from "../base/alarm.ts";
import type { Clock } from "../base/clock.ts";

/** One that has to look at something at times. */
export interface Beating {
  /** When it has to look next, in ms of the clock; Infinity for never. */
  readonly dueMs: number;
  /** Does what is due, if anything is: all look when the first one has to. */
  look(nowMs: number): void;
}

const pulses = new WeakMap<Clock, Pulse>();

/**
 * The heartbeats of all connections by one timer. What a connection waits for is put off with nearly each sign of life, so
 * a timer each would mostly wake us in vain; and when all look at once, what they wait for is put off for all of them.
 */
export class Pulse {
  readonly #all = new Set<Beating>();
  readonly #alarm: Alarm;

  private constructor(clock: Clock) {
    this.#alarm = new Alarm(clock, (nowMs) => this.#ring(nowMs));
  }

  /** That of a clock. */
  static of(clock: Clock): Pulse {
    let pulse = pulses.get(clock);
    if (!pulse) {
      pulse = new Pulse(clock);
      pulses.set(clock, pulse);
    }
    return pulse;
  }

  join(one: Beating): void {
    if (one.dueMs === Number.POSITIVE_INFINITY) return;
    this.#all.add(one);
    this.#alarm.by(one.dueMs);
  }

  leave(one: Beating): void {
    this.#all.delete(one);
    if (this.#all.size === 0) this.#alarm.cancel();
  }

  /** @returns when the next one is due. */
  #ring(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const one of this.#all) {
      one.look(nowMs);
      if (this.#all.has(one)) nextMs = Math.min(nextMs, one.dueMs);
    }
    return nextMs;
  }
}
