import { Alarm } from "../base/alarm.ts";
import { Backoff } from "../base/backoff.ts";
import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import { describe, ErrorName, Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import {
  type ConnectionEffect,
  type ConnectionEvent,
  type ConnectionState,
  opening,
  step,
} from "./connection-state.ts";
import { Demand, type Need } from "./demand.ts";
import type { JobType, Systemd, SystemdListener } from "./port.ts";

const firstDelayMs = 50;
const maxDelayMs = 2000;

/**
 * Opening a connection costs systemd as much as telling of several units that start and stop. Longer than a controller
 * takes until it says what is needed of a node that has come, so that this needs no second one.
 */
export const lingerMs = 6000;

/** Who hears of systemd, and of the connection to it. */
export interface ReconnectingListener extends SystemdListener {
  /** Somebody needs systemd that nobody has needed for a while: what has happened meanwhile was not heard. */
  connected(): void;
  /** systemd answers again after it was lost. */
  recovered(): void;
}

interface ReconnectingOptions {
  readonly clock: Clock;
  readonly log: Log;
  /** As in Backoff. */
  readonly random?: () => number;
}

/**
 * systemd by a connection that is open while it is needed, and opened again when it is lost meanwhile. On an open one
 * systemd tells of whatever any unit does, which costs both sides; without one it tells nothing. Calls fail while systemd
 * is lost. That it is away is noticed only when it is needed.
 */
export class ReconnectingSystemd implements Systemd {
  readonly #open: () => Promise<Systemd>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backoff: Backoff;
  readonly #alarm: Alarm;
  readonly #demand = new Demand((any) => this.#handle({ type: any ? "needed" : "unneeded" }));
  /** Calls that have no answer yet, and the need of them all. */
  #calls = 0;
  readonly #callsNeed = this.#demand.join();
  #state: ConnectionState = opening;
  #present: Systemd | undefined;
  /** Calls that wait for the connection. */
  #opening = Promise.withResolvers<void>();
  /** When what was put off is due, in ms of the clock. */
  #dueMs = Number.POSITIVE_INFINITY;
  #reason = "";
  #listener: ReconnectingListener | undefined;

  private constructor(open: () => Promise<Systemd>, { clock, log, random }: ReconnectingOptions) {
    this.#open = open;
    this.#clock = clock;
    this.#alarm = new Alarm(clock, (nowMs) => this.#ring(nowMs));
    this.#log = log;
    this.#backoff = new Backoff(firstDelayMs, maxDelayMs, random);
  }

  /** @param open opens a connection. @throws Failure when the first one cannot be opened. */
  static async open(open: () => Promise<Systemd>, options: ReconnectingOptions): Promise<ReconnectingSystemd> {
    const systemd = new ReconnectingSystemd(open, options);
    systemd.#adopt(await open());
    return systemd;
  }

  listen(listener: ReconnectingListener): void {
    this.#listener = listener;
  }

  /** One who may need to hear what systemd tells. @returns with which they say whether they do. */
  need(): Need {
    return this.#demand.join();
  }

  callManager(method: string, args: Body): Promise<Body> {
    return this.#use((systemd) => systemd.callManager(method, args));
  }

  startJob(type: JobType, unit: string, mode: string): Promise<string> {
    return this.#use((systemd) => systemd.startJob(type, unit, mode));
  }

  cancelJob(path: string): Promise<void> {
    return this.#use((systemd) => systemd.cancelJob(path));
  }

  findJob(path: string): ReturnType<Systemd["findJob"]> {
    return this.#use((systemd) => systemd.findJob(path));
  }

  unitProperties(unit: string, interfaceName: string): Promise<Body> {
    return this.#use((systemd) => systemd.unitProperties(unit, interfaceName));
  }

  unitProperty(unit: string, interfaceName: string, property: string): Promise<Body> {
    return this.#use((systemd) => systemd.unitProperty(unit, interfaceName, property));
  }

  unitState(unit: string): ReturnType<Systemd["unitState"]> {
    return this.#use((systemd) => systemd.unitState(unit));
  }

  listUnits(...patterns: string[]): ReturnType<Systemd["listUnits"]> {
    return this.#use((systemd) => systemd.listUnits(...patterns));
  }

  stopJob(): ReturnType<Systemd["stopJob"]> {
    return this.#use((systemd) => systemd.stopJob());
  }

  close(): void {
    this.#handle({ type: "ended" });
  }

  /** A call needs systemd until it is answered. */
  #use<T>(call: (systemd: Systemd) => Promise<T>): Promise<T> {
    this.#calls++;
    this.#callsNeed(true);
    const waits = this.#state.phase === "opening" && !this.#state.again;
    const answer = waits ? this.#opening.promise.then(() => this.#ask(call)) : this.#ask(call);
    return answer.then(this.#answered, this.#failed);
  }

  #ask<T>(call: (systemd: Systemd) => Promise<T>): Promise<T> {
    if (!this.#present) return Promise.reject(new Failure(ErrorName.Disconnected, "systemd is not connected"));
    try {
      return call(this.#present);
    } catch (error) {
      return Promise.reject(error);
    }
  }

  readonly #answered = <T>(answer: T): T => {
    this.#callsNeed(--this.#calls > 0);
    return answer;
  };

  readonly #failed = (error: unknown): never => {
    this.#callsNeed(--this.#calls > 0);
    throw error;
  };

  #handle(event: ConnectionEvent): void {
    const { state, effects } = step(this.#state, event);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  #perform({ type }: ConnectionEffect): void {
    switch (type) {
      case "open":
        void this.#attempt();
        break;
      case "retry":
        this.#later(this.#backoff.next());
        break;
      case "linger":
        this.#later(lingerMs);
        break;
      case "settle":
        this.#dueMs = Number.POSITIVE_INFINITY;
        break;
      case "close":
        if (this.#state.phase === "closed") this.#log.debug("The connection to systemd is closed, as nobody needs it");
        this.#present?.close();
        this.#present = undefined;
        break;
      case "tellConnected":
        this.#log.debug("systemd is needed, and connected");
        this.#listener?.connected();
        break;
      case "tellLost":
        this.#listener?.lost(this.#reason);
        break;
      case "tellRecovered":
        this.#listener?.recovered();
        break;
    }
  }

  #later(delayMs: number): void {
    this.#dueMs = this.#clock.monotonicMs() + delayMs;
    this.#alarm.by(this.#dueMs);
  }

  /** @returns when there is something to do. */
  #ring(nowMs: number): number {
    if (nowMs >= this.#dueMs) {
      this.#dueMs = Number.POSITIVE_INFINITY;
      this.#handle({ type: "due" });
    }
    return this.#dueMs;
  }

  async #attempt(): Promise<void> {
    this.#opening = Promise.withResolvers();
    const systemd = await this.#open().catch((error: unknown) => {
      this.#reason = describe(error);
      this.#log.debug(`systemd is out of reach: ${this.#reason}`);
      return undefined;
    });
    if (systemd) this.#adopt(systemd);
    else this.#handle({ type: "failed" });
    // Those who waited see for themselves whether there is a connection now.
    this.#opening.resolve();
  }

  #adopt(systemd: Systemd): void {
    this.#present = systemd;
    this.#backoff.reset();
    this.#handle({ type: "opened", needed: this.#demand.any });
    systemd.listen({
      unitNew: (...told) => this.#listener?.unitNew(...told),
      unitRemoved: (...told) => this.#listener?.unitRemoved(...told),
      listensTo: (unit) => this.#listener?.listensTo(unit) ?? false,
      unitPropertiesChanged: (...told) => this.#listener?.unitPropertiesChanged(...told),
      jobStateChanged: (...told) => this.#listener?.jobStateChanged(...told),
      jobRemoved: (...told) => this.#listener?.jobRemoved(...told),
      lost: (reason) => {
        // It may have been closed, and another opened, since.
        if (this.#present !== systemd) return;
        this.#present = undefined;
        this.#reason = reason;
        this.#handle({ type: "lost" });
      },
    });
  }
}
