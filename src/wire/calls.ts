import { Alarm } from "../base/alarm.ts";
import type { Clock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import type { Plan } from "./plan.ts";
import type { Reader } from "./reader.ts";

interface Call {
  readonly plan: Plan;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (failure: Failure) => void;
  /** In ms of the clock. */
  readonly dueMs: number;
  readonly timedOut: string;
}

/** How long to wait for an answer, and what is said when it does not come. */
export interface CallOptions {
  /** 30,000 when left out; 0 waits for as long as the session lives. */
  readonly timeoutMs?: number;
  readonly timedOut?: string;
}

const defaultTimeoutMs = 30_000;
export const maxSerial = 0xffff_ffff;

/**
 * Our own calls that wait for an answer.
 * Bound: `maxPending` of them; `nextSerial` throws LimitsExceeded beyond.
 */
export class Calls {
  readonly #pending = new Map<number, Call>();
  readonly #clock: Clock;
  readonly #alarm: Alarm;
  readonly #maxPending: number;
  #serial = 0;

  constructor(clock: Clock, maxPending: number) {
    this.#clock = clock;
    this.#alarm = new Alarm(clock, (nowMs) => this.#expire(nowMs));
    this.#maxPending = maxPending;
  }

  /** A serial that no pending call has. */
  nextSerial(): number {
    if (this.#pending.size >= this.#maxPending) {
      throw new Failure(ErrorName.LimitsExceeded, `${this.#maxPending} calls are waiting for an answer`);
    }
    do this.#serial = this.#serial === maxSerial ? 1 : this.#serial + 1;
    while (this.#pending.has(this.#serial));
    return this.#serial;
  }

  /** Waits for the answer to a call. */
  add(serial: number, plan: Plan, options: CallOptions): Promise<unknown> {
    const { timeoutMs = defaultTimeoutMs, timedOut = "Method call timed out" } = options;
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const dueMs = timeoutMs > 0 ? this.#clock.monotonicMs() + timeoutMs : Number.POSITIVE_INFINITY;
    this.#pending.set(serial, { plan, resolve, reject, dueMs, timedOut });
    this.#alarm.by(dueMs);
    return promise;
  }

  /** Resolves a call with the fields that follow. One that timed out is not there any more, and skipped. */
  resolve(serial: number, reader: Reader): void {
    const call = this.#pending.get(serial);
    if (!call) return;
    const reply = reader.fields(call.plan);
    this.#pending.delete(serial);
    call.resolve(reply);
  }

  reject(serial: number, failure: Failure): void {
    const call = this.#pending.get(serial);
    if (!call) return;
    this.#pending.delete(serial);
    call.reject(failure);
  }

  rejectAll(failure: () => Failure): void {
    for (const serial of [...this.#pending.keys()]) this.reject(serial, failure());
  }

  /** Ends those that have waited for too long. @returns when the next one will have. */
  #expire(nowMs: number): number {
    let nextMs = Number.POSITIVE_INFINITY;
    for (const [serial, { dueMs, timedOut }] of this.#pending) {
      if (dueMs > nowMs) nextMs = Math.min(nextMs, dueMs);
      else this.reject(serial, new Failure(ErrorName.NoReply, timedOut));
    }
    return nextMs;
  }
}
