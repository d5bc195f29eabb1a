import { Backoff } from "../base/backoff.ts";
import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import { describe, ErrorName, Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import type { JobType, Systemd, SystemdListener } from "./port.ts";

const firstDelayMs = 50;
const maxDelayMs = 2000;

/** Who hears of systemd, and that it answers again after it was lost. */
export interface ReconnectingListener extends SystemdListener {
  recovered(): void;
}

/** systemd by a connection that is opened again whenever it was lost; calls fail while there is none. */
export class ReconnectingSystemd implements Systemd {
  readonly #open: () => Promise<Systemd>;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #backoff = new Backoff(firstDelayMs, maxDelayMs);
  #present: Systemd | undefined;
  #listener: ReconnectingListener | undefined;
  #closed = false;

  private constructor(open: () => Promise<Systemd>, clock: Clock, log: Log) {
    this.#open = open;
    this.#clock = clock;
    this.#log = log;
  }

  /** @param open opens a connection. @throws Failure when the first one cannot be opened. */
  static async open(open: () => Promise<Systemd>, clock: Clock, log: Log): Promise<ReconnectingSystemd> {
    const systemd = new ReconnectingSystemd(open, clock, log);
    systemd.#adopt(await open());
    return systemd;
  }

  listen(listener: ReconnectingListener): void {
    this.#listener = listener;
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

  listUnits(pattern: string): ReturnType<Systemd["listUnits"]> {
    return this.#use((systemd) => systemd.listUnits(pattern));
  }

  restarting(): Promise<boolean> {
    return this.#use((systemd) => systemd.restarting());
  }

  close(): void {
    this.#closed = true;
    this.#present?.close();
  }

  async #use<T>(call: (systemd: Systemd) => Promise<T>): Promise<T> {
    if (!this.#present) throw new Failure(ErrorName.Disconnected, "systemd is not connected");
    return call(this.#present);
  }

  #adopt(systemd: Systemd): void {
    this.#present = systemd;
    systemd.listen({
      unitNew: (...told) => this.#listener?.unitNew(...told),
      unitRemoved: (...told) => this.#listener?.unitRemoved(...told),
      unitPropertiesChanged: (...told) => this.#listener?.unitPropertiesChanged(...told),
      jobStateChanged: (...told) => this.#listener?.jobStateChanged(...told),
      jobRemoved: (...told) => this.#listener?.jobRemoved(...told),
      lost: (reason) => {
        this.#present = undefined;
        if (this.#closed) return;
        this.#listener?.lost(reason);
        this.#backoff.reset();
        this.#reopen();
      },
    });
  }

  #reopen(): void {
    this.#clock.after(this.#backoff.next(), () => {
      if (this.#closed) return;
      this.#open().then(
        (systemd) => {
          if (this.#closed) return systemd.close();
          this.#adopt(systemd);
          this.#listener?.recovered();
        },
        (error) => {
          this.#log.debug(`systemd is out of reach: ${describe(error)}`);
          this.#reopen();
        },
      );
    });
  }
}
