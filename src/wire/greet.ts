import type { Clock } from "../base/clock.ts";
import { asFailure, ErrorName, Failure } from "../base/failure.ts";
import type { Frame } from "./frame.ts";
import { helloTimeoutMs, maxHello } from "./hello.ts";
import { whenSilent } from "./lateness.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { Link } from "./link.ts";
import type { Plan } from "./plan.ts";
import { WireError } from "./reader.ts";
import type { Transport } from "./transport.ts";

/** The first frame over a connection. */
export interface Greeting {
  readonly type: number;
  readonly plan: Plan;
  readonly values: object;
}

export interface GreetOptions {
  readonly clock: Clock;
  readonly limits?: Partial<Limits>;
  /** How long the answer may take; `helloTimeoutMs` when left out. */
  readonly timeoutMs?: number;
  /** Gives up: then the connection is `gone` when the promise rejects, as the controller might have taken it just then. */
  readonly signal?: AbortSignal;
}

/**
 * Sends the first frame to a controller over a new connection, and waits for its answer.
 * @param read makes the result of the answer, and decides what becomes of the link. What it throws is the outcome; the link
 * is closed then.
 * @throws Failure as `read`; NoReply when there is no answer in time; Disconnected when the connection ends first.
 */
export function greet<T>(
  transport: Transport,
  greeting: Greeting,
  { clock, signal, timeoutMs = helloTimeoutMs, ...options }: GreetOptions,
  read: (frame: Frame, link: Link) => T,
): Promise<T> {
  const limits = { ...defaultLimits, ...options.limits };
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const leave = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", giveUp);
  };
  const fail = (failure: Failure): void => {
    leave();
    link.close();
    reject(failure);
  };
  const giveUp = (): void => {
    leave();
    link.close();
    void link.gone.then(() => reject(new Failure(ErrorName.Disconnected, "the attempt was given up")));
  };
  const frame = (frame: Frame): void => {
    let answer: T;
    try {
      answer = read(frame, link);
    } catch (thrown) {
      // Nonsense ends the link, which tells so.
      if (thrown instanceof WireError) throw thrown;
      fail(asFailure(thrown));
      return;
    }
    leave();
    resolve(answer);
  };
  const ended = (reason: string): void => fail(new Failure(ErrorName.Disconnected, reason));
  const user = { frame, drained: () => {}, ended };
  const link = new Link(transport, { clock, limits, frameLimit: maxHello, user });
  const silent = `the controller does not answer within ${timeoutMs} ms`;
  const timer = whenSilent(clock, timeoutMs, () => fail(new Failure(ErrorName.NoReply, silent)));
  link.start();
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    link.send(greeting.type, undefined, greeting.plan, greeting.values);
  } catch (thrown) {
    fail(asFailure(thrown));
  }
  return promise;
}
