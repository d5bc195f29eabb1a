import { Backoff } from "../../base/backoff.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { randomId } from "../../base/random-id.ts";
import { GoodbyeCode } from "../../wire/codec.ts";
import type { Origin } from "../../wire/hello.ts";
import type { Session } from "../../wire/session.ts";
import { Failback } from "./failback.ts";
import { initial, type LinkEffect, type LinkEvent, step } from "./link-state.ts";

/** What a session brings to its user; the connection to the controller as the other parts see it. */
export type ControllerSession = Session<"agent">;

/** One attempt to connect. */
interface Attempt {
  /** Tells the end of the session that came of it, as `SessionOwner.onClose`. */
  lost(reason: string, code: number): void;
  readonly origin: Origin;
  /** The attempt is given up. It has to end, with nothing left of it at the controller. */
  readonly signal: AbortSignal;
}

export interface LinkOptions {
  /** The addresses of the controllers, the best one first; at least one. */
  readonly addresses: readonly string[];
  /** Where the agent was switched to before, which counts instead of them. */
  readonly switchedTo?: string | undefined;
  /** Whether to go back to a controller before the one in use when it is steady. */
  readonly failback: boolean;
  readonly clock: Clock;
  readonly log: Log;
  /** Failed attempts after which they are no longer logged. */
  readonly attemptsUntilQuiet: number;
  /** The longest delay between two rounds of attempts, and between two questions to a better controller, in ms. */
  readonly maxDelayMs: number;
  readonly random?: () => number;
  /** Connects to an address and says hello. */
  join(address: string, attempt: Attempt): Promise<ControllerSession>;
  /** Asks whether `join` would be welcome. Rejects with AddressInUse when another agent is connected by this name. */
  probe(address: string, signal: AbortSignal): Promise<void>;
  readonly listener: LinkListener;
}

interface LinkListener {
  online(session: ControllerSession): void;
  offline(): void;
  addressChanged(): void;
}

const firstDelayMs = 100;

/** A link that was up for less than this many ms did not last. */
const lastingMs = 5000;

/** How long an agent that was displaced stands back before it asks for its place, in ms; spread over half to the whole. */
const displacedMs = 60_000;

/** Keeps the agent connected to one controller, the best that it gets. Its session is over before it says hello elsewhere. */
export class Link {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #failback: Failback;
  readonly #firstAttempt = Promise.withResolvers<void>();
  #state = initial;
  #configured: readonly string[];
  /** The controllers to try: those of the configuration, or the one that the agent was switched to. */
  #candidates: readonly string[];
  #address: string;
  #session: ControllerSession | undefined;
  #timer: Timer | undefined;
  #joinedMs = Number.NEGATIVE_INFINITY;
  /** Which try to come back the next attempt is; 0 for the first one at a controller. */
  #tries = 0;
  /** Tells this agent from others of its name. */
  readonly #id = randomId();
  #attempts = 0;
  /** Gives the present attempt up, so that its outcome is not taken for that of the next one. */
  #attempt = new AbortController();
  /** Resolves when there is nothing left of the attempt before at its controller. */
  #gone: Promise<unknown> = Promise.resolve();

  constructor(options: LinkOptions) {
    const { addresses, switchedTo, maxDelayMs, random } = options;
    this.#options = options;
    this.#configured = addresses;
    this.#candidates = switchedTo === undefined ? addresses : [switchedTo];
    this.#address = this.#addressOf(0);
    this.#backoff = new Backoff(firstDelayMs, Math.max(firstDelayMs, maxDelayMs), random);
    this.#failback = new Failback({ ...options, intervalMs: maxDelayMs });
  }

  /** The controller in use: the one that there is a session with, or was last. */
  get address(): string {
    return this.#address;
  }

  /** The controller that the agent was switched to; undefined for those of the configuration. */
  get switchedTo(): string | undefined {
    return this.#candidates === this.#configured ? undefined : this.#candidates[0];
  }

  get session(): ControllerSession | undefined {
    return this.#session;
  }

  /** Connects, and again whenever the link is lost. @returns once the first attempt has succeeded or failed. */
  start(): Promise<void> {
    this.#handle({ type: "due" });
    return this.#firstAttempt.promise;
  }

  /**
   * Leaves the controller there is and connects to another, and to no other than that.
   * @param address the first of the configured ones brings those back.
   */
  switchTo(address: string): void {
    this.#candidates = address === this.#configured[0] ? this.#configured : [address];
    this.reconnect();
  }

  /** Leaves the controller there is and connects to one of these, wherever it was switched to. At least one. */
  configure(addresses: readonly string[]): void {
    this.#configured = addresses;
    this.#candidates = addresses;
    this.reconnect();
  }

  /** Leaves the controller there is and begins anew. */
  reconnect(): void {
    this.#joinedMs = Number.NEGATIVE_INFINITY;
    this.#tries = 0;
    this.#use(this.#addressOf(0));
    this.#handle({ type: "switched" }, "the agent is switched to another controller");
  }

  /** Leaves the controller until `resume`. */
  pause(reason: string): void {
    this.#handle({ type: "paused" }, reason);
  }

  resume(): void {
    this.#joinedMs = Number.NEGATIVE_INFINITY;
    this.#handle({ type: "resumed" });
  }

  stop(reason: string): void {
    this.#handle({ type: "stopped" }, reason);
    this.#timer?.cancel();
  }

  #handle(event: LinkEvent, reason = ""): void {
    const { state, effects } = step(this.#state, event, this.#candidates.length);
    this.#state = state;
    for (const effect of effects) this.#perform(effect, reason);
  }

  #perform(effect: LinkEffect, reason: string): void {
    const { clock, listener, failback } = this.#options;
    switch (effect.type) {
      case "connect":
        this.#connect(effect);
        break;
      case "schedule":
        this.#timer?.cancel();
        this.#timer = clock.after(this.#delayMs(effect.delay), () => this.#handle({ type: "due" }));
        break;
      case "use":
        this.#use(this.#addressOf(effect.candidate));
        break;
      case "watch":
        if (failback) this.#watch(effect.candidate);
        break;
      case "drop":
        this.#timer?.cancel();
        this.#attempt.abort();
        this.#session?.close(reason);
        break;
      case "tellOnline":
        this.#joinedMs = clock.monotonicMs();
        if (this.#session) listener.online(this.#session);
        break;
      case "tellOffline":
        this.#failback.stop();
        this.#session = undefined;
        listener.offline();
        break;
    }
  }

  #use(address: string): void {
    if (address === this.#address) return;
    this.#address = address;
    this.#options.listener.addressChanged();
  }

  #watch(candidate: number): void {
    const better = this.#candidates.slice(0, candidate);
    this.#failback.watch(better, (found) =>
      this.#handle({ type: "better", candidate: found }, "the agent goes back to a controller that it prefers"),
    );
  }

  #delayMs(delay: Extract<LinkEffect, { type: "schedule" }>["delay"]): number {
    const { clock, random = Math.random } = this.#options;
    if (delay === "long") return displacedMs * (0.5 + random() / 2);
    // A controller that lets go at once is come back to later and later.
    if (delay === "none" && clock.monotonicMs() - this.#joinedMs >= lastingMs) this.#backoff.reset();
    return this.#backoff.next();
  }

  #connect({ candidate, attempt, politely }: Extract<LinkEffect, { type: "connect" }>): void {
    const { log, attemptsUntilQuiet } = this.#options;
    const address = this.#addressOf(candidate);
    const quiet = attempt > attemptsUntilQuiet || politely;
    if (this.#tries > 0 && !quiet) log.info(`Trying to connect to controller (try ${this.#tries})`);
    if (!quiet) log.info(`Connecting to controller on ${address}`);
    this.#tries++;
    this.#attempt = new AbortController();
    const { signal } = this.#attempt;
    const joining = this.#join(address, politely, signal);
    const left = joining.then((session) => session.gone);
    this.#gone = left.catch(() => {});
    joining.then(
      (session) => {
        if (signal.aborted) return session.close("the attempt was given up");
        // It may have been lost before we came to know that there was one.
        if (!session.closed) {
          this.#session = session;
          this.#tries = 1;
        }
        this.#handle(session.closed ? { type: "failed", taken: false } : { type: "joined" });
        this.#firstAttempt.resolve();
      },
      (error) => {
        if (signal.aborted) return;
        if (!quiet) log.warn(`Agent connection attempt failed, retrying: ${describe(error)}`);
        if (!politely && attempt === attemptsUntilQuiet) {
          log.warn(`Quieting down logs after connection retry failed ${attempt}x...`);
        }
        const taken = error instanceof Failure && error.errorName === ErrorName.AddressInUse;
        this.#handle({ type: "failed", taken });
        this.#firstAttempt.resolve();
      },
    );
  }

  async #join(address: string, politely: boolean, signal: AbortSignal): Promise<ControllerSession> {
    const { join, probe } = this.#options;
    await this.#gone;
    if (politely) await probe(address, signal);
    signal.throwIfAborted();
    const lost = (why: string, code: number) => {
      if (!signal.aborted) this.#lost(why, code === GoodbyeCode.displaced);
    };
    return await join(address, { lost, signal, origin: { agent: this.#id, attempt: ++this.#attempts } });
  }

  #lost(why: string, displaced: boolean): void {
    const then = displaced ? `; this one asks every ${displacedMs / 1000} s whether the other has gone` : "";
    this.#options.log.warn(`Disconnected from controller: ${why}${then}`);
    this.#handle({ type: "lost", displaced });
  }

  #addressOf(candidate: number): string {
    return this.#candidates[candidate] ?? "";
  }
}
