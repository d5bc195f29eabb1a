import { Alarm } from "../base/alarm.ts";
import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";

/** How many calls may wait for their replies at once; one more fails with LimitsExceeded. */
const maxPending = 65_536;

export interface Reply {
  readonly body: Body;
}

interface Pending {
  readonly timeoutMs: number;
  /** In ms of the clock. */
  readonly dueMs: number;
  readonly resolve: (reply: Reply) => void;
  readonly reject: (failure: Failure) => void;
}

/** The calls that wait for their replies, by serial. */
export class PendingCalls {
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #calls = new Map<number, Pending>();

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, (nowMs) => this.#expire(nowMs));
  }

  get full(): boolean {
    return this.#calls.size >= maxPending;
  }

  has(serial: number): boolean {
    return this.#calls.has(serial);
  }

  /** @param timeoutMs 0 waits for ever. @throws Failure Timeout, or what reject and failAll say. */
  wait(serial: number, timeoutMs: number): Promise<Reply> {
    return new Promise((resolve, reject) => {
      const dueMs = timeoutMs > 0 ? this.#clock.monotonicMs() + timeoutMs : Number.POSITIVE_INFINITY;
      this.#calls.set(serial, { timeoutMs, dueMs, resolve, reject });
      this.#alarm.by(dueMs);
    });
  }

  resolve(serial: number, reply: Reply): void {
    this.#take(serial)?.resolve(reply);
  }

  reject(serial: number, failure: Failure): void {
    this.#take(serial)?.reject(failure);
  }

  failAll(failure: Failure): void {
    for (const serial of [...this.#calls.keys()]) this.reject(serial, failure);
  }

  /** A reply that comes after its call timed out finds nothing here. */
  #take(serial: number): Pending | undefined {
    const call = this.#calls.get(serial);
    this.#calls.delete(serial);
    return call;
  }

  /** Ends those that have waited for too long. @returns when the next one will have. */
  #expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [serial, { dueMs, timeoutMs }] of this.#calls) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else this.reject(serial, new Failure(ErrorName.Timeout, `Method call timed out after ${timeoutMs / 1000} s`));
    }
    return nextMs;
  }
}
