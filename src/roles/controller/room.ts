import type { Clock } from "../../base/clock.ts";
import { descriptorLimit } from "../../base/descriptors.ts";
import type { Log } from "../../base/log.ts";

/** Descriptors that are kept for what is no agent: the runtime's own, the bus, the log, listening sockets, files. */
const kept = 48;
/** Connections that only agents of the controller's own host can have, whatever comes from the network. */
const keptForLocal = 16;
/** How long nobody is turned away until the next one is worth a line in the log. */
const quietMs = 60_000;

/**
 * Room for connections, which is what the limit of descriptors leaves. Without descriptors the runtime would neither take
 * nor refuse connections but try for ever, and the controller could not come back to a bus that was restarted.
 */
export class Room {
  readonly #size: number;
  readonly #log: Log;
  readonly #clock: Clock;
  #crowdedMs = Number.NEGATIVE_INFINITY;

  constructor(log: Log, clock: Clock, limit = descriptorLimit()) {
    this.#size = Math.max(limit - kept, keptForLocal + 1);
    this.#log = log;
    this.#clock = clock;
  }

  /** How many connections there may be. @param local whether of this host or from the network. */
  size(local: boolean): number {
    return local ? this.#size : this.#size - keptForLocal;
  }

  /** Whether so many connections are too many, which is logged when it begins. */
  crowded(connections: number, local: boolean): boolean {
    if (connections <= this.size(local)) return false;
    const nowMs = this.#clock.monotonicMs();
    if (nowMs >= this.#crowdedMs + quietMs) {
      this.#log.warn(
        `There is no room for more than ${this.size(local)} connections; see LimitNOFILE= of this service`,
      );
    }
    this.#crowdedMs = nowMs;
    return true;
  }
}
