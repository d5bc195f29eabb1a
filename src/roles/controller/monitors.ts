import { ErrorName, Failure } from "../../base/failure.ts";
import { Monitor } from "./monitor.ts";
import type { Subscriptions } from "./subscriptions.ts";

/** More monitors than this are refused. */
const maxMonitors = 16_384;

/** Who is told about monitors. */
export interface MonitorsListener {
  monitorNew(monitor: Monitor): void;
  monitorClosed(monitor: Monitor): void;
}

/** The open monitors. */
export class Monitors {
  readonly #monitors = new Set<Monitor>();
  readonly #subscriptions: Subscriptions;
  readonly #listener: MonitorsListener;
  #lastId = 0;

  constructor(subscriptions: Subscriptions, listener: MonitorsListener) {
    this.#subscriptions = subscriptions;
    this.#listener = listener;
  }

  get size(): number {
    return this.#monitors.size;
  }

  /** @param owner the unique name of who creates it. @throws Failure LimitsExceeded. */
  create(owner: string): Monitor {
    if (this.#monitors.size >= maxMonitors) throw new Failure(ErrorName.LimitsExceeded, "Too many monitors are open");
    const monitor = new Monitor(++this.#lastId, owner, this.#subscriptions);
    this.#monitors.add(monitor);
    this.#listener.monitorNew(monitor);
    return monitor;
  }

  close(monitor: Monitor): void {
    if (!this.#monitors.delete(monitor)) return;
    monitor.close();
    this.#listener.monitorClosed(monitor);
  }
}
