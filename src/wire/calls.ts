import type { Clock, Timer } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import type { Plan } from "./plan.ts";
import type { Reader } from "./reader.ts";

interface Call {
  readonly plan: Plan;
  readonly resolve: (reply: unknown) => void;
  readonly reject: (failure: Failure) => void;
  timer?: Timer;
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
  readonly #maxPending: number;
  #serial = 0;

  constructor(clock: Clock, maxPending: number) {
    this.#clock = clock;
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
  add(serial: number, plan: Plan, { timeoutMs = defaultTimeoutMs, timedOut }: CallOptions): Promise<unknown> {
    const { promise, resolve, reject } = Promise.withResolvers<unknown>();
    const call: Call = { plan, resolve, reject };
    if (timeoutMs > 0) {
      const expire = () => this.reject(serial, new Failure(ErrorName.NoReply, timedOut ?? "Method call timed out"));
      call.timer = this.#clock.after(timeoutMs, expire);
    }
    this.#pending.set(serial, call);
    return promise;
  }

  /** Resolves a call with the fields that follow. One that timed out is not there any more, and skipped. */
  resolve(serial: number, reader: Reader): void {
    const call = this.#pending.get(serial);
    if (!call) return;
    const reply = reader.fields(call.plan);
    this.#remove(serial, call);
    call.resolve(reply);
  }

  reject(serial: number, failure: Failure): void {
    const call = this.#pending.get(serial);
    if (!call) return;
    this.#remove(serial, call);
    call.reject(failure);
  }

  rejectAll(failure: () => Failure): void {
    for (const serial of [...this.#pending.keys()]) this.reject(serial, failure());
  }

  #remove(serial: number, call: Call): void {
    call.timer?.cancel();
    this.#pending.delete(serial);
  }
}
