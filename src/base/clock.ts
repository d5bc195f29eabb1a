import { clockMonotonicUs } from "./libc.ts";

/** A timer that has been set. Cancelling it after it fired does nothing. */
export interface Timer {
  cancel(): void;
}

/** Where every part gets the time from, so that tests can turn it by hand. */
export interface Clock {
  /** Microseconds since the epoch (CLOCK_REALTIME). */
  realtimeUs(): bigint;
  /** Microseconds of CLOCK_MONOTONIC, as systemd's own *Monotonic properties count them. */
  monotonicUs(): bigint;
  /** Milliseconds of a clock that never jumps; for measuring and for deadlines. */
  monotonicMs(): number;
  /** Calls `fire` once, `delayMs` milliseconds from now. */
  after(delayMs: number, fire: () => void): Timer;
}

let monotonicOffsetUs: bigint | undefined;

export const systemClock: Clock = {
  realtimeUs: () => BigInt(Date.now()) * 1000n,
  monotonicUs() {
    // The runtime counts from its own start; the distance to CLOCK_MONOTONIC is asked of the kernel once.
    const ownUs = BigInt(Math.round(performance.now() * 1000));
    monotonicOffsetUs ??= clockMonotonicUs() - ownUs;
    return monotonicOffsetUs + ownUs;
  },
  monotonicMs: () => performance.now(),
  after(delayMs, fire) {
    // The runtime counts whole milliseconds, and would fire before the time, to find nothing to do.
    const timeout = setTimeout(fire, Math.ceil(delayMs));
    return { cancel: () => clearTimeout(timeout) };
  },
};
