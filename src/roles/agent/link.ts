import { Backoff } from "../../base/backoff.ts";
import type { Clock, Timer } from "../../base/clock.ts";
import { describe } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import type { Session } from "../../wire/session.ts";
import { initial, type LinkEffect, type LinkEvent, step } from "./link-state.ts";

/** What a session brings to its user; the connection to the controller as the other parts see it. */
export type ControllerSession = Session<"agent">;

export interface LinkOptions {
  readonly address: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Failed attempts after which they are no longer logged. */
  readonly attemptsUntilQuiet: number;
  /** The longest delay between two attempts, in ms. */
  readonly maxDelayMs: number;
  readonly random?: () => number;
  /** Connects to an address and says hello. `lost` tells the end of the session that it resolves with. */
  join(address: string, lost: (reason: string) => void): Promise<ControllerSession>;
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

/** Keeps the agent connected to its controller. */
export class Link {
  readonly #options: LinkOptions;
  readonly #backoff: Backoff;
  readonly #firstAttempt = Promise.withResolvers<void>();
  #state = initial;
  #address: string;
  #session: ControllerSession | undefined;
  #timer: Timer | undefined;
  #joinedMs = Number.NEGATIVE_INFINITY;
  /** Which try to come back the next attempt is; 0 for the first one at a controller. */
  #tries = 0;
  /** Counts attempts, so that the outcome of one that was given up is not taken for the present one's. */
  #attempt = 0;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#address = options.address;
    this.#backoff = new Backoff(firstDelayMs, Math.max(firstDelayMs, options.maxDelayMs), options.random);
  }

  get address(): string {
    return this.#address;
  }

  get session(): ControllerSession | undefined {
    return this.#session;
  }

  /** Connects, and again whenever the link is lost. @returns once the first attempt has succeeded or failed. */
  start(): Promise<void> {
    this.#handle({ type: "due" });
    return this.#firstAttempt.promise;
  }

  /** Leaves the controller there is and connects to another, or once more to the same. */
  switchTo(address: string): void {
    const changed = address !== this.#address;
    this.#address = address;
    this.#joinedMs = Number.NEGATIVE_INFINITY;
    this.#tries = 0;
    if (changed) this.#options.listener.addressChanged();
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
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect, reason);
  }

  #perform(effect: LinkEffect, reason: string): void {
    const { clock, listener } = this.#options;
    switch (effect.type) {
      case "connect":
        this.#connect(effect.attempt);
        break;
      case "schedule":
        this.#timer?.cancel();
        // A controller that lets go at once, as of two agents with one name, is come back to later and later.
        if (effect.soon && clock.monotonicMs() - this.#joinedMs >= lastingMs) this.#backoff.reset();
        this.#timer = clock.after(this.#backoff.next(), () => this.#handle({ type: "due" }));
        break;
      case "drop":
        this.#attempt++;
        this.#timer?.cancel();
        this.#session?.close(reason);
        break;
      case "tellOnline":
        this.#joinedMs = clock.monotonicMs();
        if (this.#session) listener.online(this.#session);
        break;
      case "tellOffline":
        this.#session = undefined;
        listener.offline();
        break;
    }
  }

  #connect(attempt: number): void {
    const { log, attemptsUntilQuiet, join } = this.#options;
    const mine = ++this.#attempt;
    const address = this.#address;
    const quiet = attempt > attemptsUntilQuiet;
    if (this.#tries > 0 && !quiet) log.info(`Trying to connect to controller (try ${this.#tries})`);
    if (!quiet) log.info(`Connecting to controller on ${address}`);
    this.#tries++;
    const lost = (why: string) => {
      if (mine !== this.#attempt) return;
      log.warn(`Disconnected from controller: ${why}`);
      this.#handle({ type: "lost" });
    };
    join(address, lost).then(
      (session) => {
        if (mine !== this.#attempt) return session.close("the attempt was given up");
        this.#session = session;
        this.#tries = 1;
        this.#handle({ type: "joined" });
        this.#firstAttempt.resolve();
      },
      (error) => {
        if (mine !== this.#attempt) return;
        if (!quiet) log.warn(`Agent connection attempt failed, retrying: ${describe(error)}`);
        if (attempt === attemptsUntilQuiet) {
          log.warn(`Quieting down logs after connection retry failed ${attempt}x...`);
        }
        this.#handle({ type: "failed" });
        this.#firstAttempt.resolve();
      },
    );
  }
}
