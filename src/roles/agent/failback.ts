import { Backoff } from "../../base/backoff.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";

export interface FailbackOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** How far apart a controller is asked that answers, in ms; spread over half to the whole of it. */
  readonly intervalMs: number;
  readonly random?: () => number;
  /** Asks a controller whether it would let this agent in. Rejects when it would not. */
  probe(address: string, signal: AbortSignal): Promise<void>;
}

/** Answers in a row after which a better controller counts as steady. */
const fewAnswers = 5;
/** As many as that they become when going back to one did not last: five minutes at the usual interval of 2 s. */
const manyAnswers = 160;
/** A return to a better controller that it is left again within this many ms did not last. */
const lastingMs = 60_000;
/** The longest time between two rounds of questions while none of them answers, in ms. */
const maxDelayMs = 30_000;

/** How often in a row each one has answered, after one more round of questions. */
export function counted(answers: readonly number[], answered: readonly boolean[]): number[] {
  return answered.map((yes, index) => (yes ? (answers[index] ?? 0) + 1 : 0));
}

/** How many answers are needed now, when so many were at the last return, `agoMs` ago. */
export function needed(before: number, agoMs: number): number {
  return agoMs < lastingMs ? Math.min(before * 2, manyAnswers) : fewAnswers;
}

/** Watches the controllers that are better than the one in use, and says when one of them is steady. */
export class Failback {
  readonly #options: FailbackOptions;
  readonly #backoff: Backoff;
  #timer: Timer | undefined;
  #addresses: readonly string[] = [];
  #answers: readonly number[] = [];
  #needed = fewAnswers;
  #returnedMs = Number.NEGATIVE_INFINITY;
  /** Ends the present watch. */
  #watch = new AbortController();

  constructor(options: FailbackOptions) {
    this.#options = options;
    const { intervalMs, random } = options;
    this.#backoff = new Backoff(intervalMs, Math.max(intervalMs, maxDelayMs), random);
  }

  /** Begins. @param steady is told the place of the address that is to be gone back to; once, and then the watch ends. */
  watch(addresses: readonly string[], steady: (candidate: number) => void): void {
    this.stop();
    this.#watch = new AbortController();
    this.#addresses = addresses;
    this.#answers = [];
    this.#needed = needed(this.#needed, this.#options.clock.monotonicMs() - this.#returnedMs);
    this.#backoff.reset(1);
    this.#schedule(steady);
  }

  stop(): void {
    this.#watch.abort();
    this.#timer?.cancel();
  }

  #schedule(steady: (candidate: number) => void): void {
    this.#timer = this.#options.clock.after(this.#backoff.next(), () => void this.#ask(steady));
  }

  async #ask(steady: (candidate: number) => void): Promise<void> {
    const { clock, log, probe } = this.#options;
    const { signal } = this.#watch;
    const asked = this.#addresses.map((address) => probe(address, signal));
    const answered = (await Promise.allSettled(asked)).map(({ status }) => status === "fulfilled");
    if (signal.aborted) return;
    this.#answers = counted(this.#answers, answered);
    const candidate = this.#answers.findIndex((answers) => answers >= this.#needed);
    if (candidate < 0) {
      if (answered.includes(true)) this.#backoff.reset(1);
      this.#schedule(steady);
      return;
    }
    const address = this.#addresses[candidate];
    log.info(`The controller on ${address} is steady again, after ${this.#needed} answers: going back to it`);
    this.#returnedMs = clock.monotonicMs();
    steady(candidate);
  }
}
