import { Backoff } from "../base/backoff.ts";
import type { Clock } from "../base/clock.ts";
import { describe } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { BusConnection } from "./connection.ts";

const firstDelayMs = 100;
const maxDelayMs = 2000;
/** How long a bus that hangs may keep us from leaving: less than systemd gives a service to stop. */
const leavingMs = 3000;

export interface PresenceOptions {
  readonly address: string;
  /** The well-known name to own. */
  readonly name: string;
  readonly clock: Clock;
  readonly log: Log;
  /**
   * Serves on a connection, before the name is taken.
   * @returns what ends that, called when the connection is over.
   */
  attach(connection: BusConnection): () => void;
}

/** A service on the bus. When the bus goes away it comes back with it. */
export class Presence {
  readonly #options: PresenceOptions;
  readonly #backoff = new Backoff(firstDelayMs, maxDelayMs);
  #connection: BusConnection | undefined;
  #closing = false;

  private constructor(options: PresenceOptions) {
    this.#options = options;
  }

  /** @throws Failure when there is no bus, the name is taken, or the bus does not allow it. */
  static async open(options: PresenceOptions): Promise<Presence> {
    const presence = new Presence(options);
    await presence.#open();
    return presence;
  }

  /** Leaves the bus, once all that was sent before has reached it, or it does not take it. */
  async close(): Promise<void> {
    this.#closing = true;
    // Its answer comes after everything that was sent before it.
    await this.#connection?.releaseName(this.#options.name, leavingMs).catch(() => {});
    this.#connection?.close();
  }

  async #open(): Promise<void> {
    const { address, name, attach, log } = this.#options;
    const connection = await BusConnection.open(address);
    const detach = attach(connection);
    try {
      await connection.requestName(name);
    } catch (error) {
      detach();
      connection.close();
      throw error;
    }
    if (this.#closing) return connection.close();
    this.#connection = connection;
    connection.onClose((reason) => {
      detach();
      this.#connection = undefined;
      if (this.#closing) return;
      log.error(`The connection to the bus is lost: ${reason}`);
      this.#backoff.reset();
      this.#reopen();
    });
  }

  #reopen(): void {
    const { clock, log } = this.#options;
    clock.after(this.#backoff.next(), () => {
      if (this.#closing) return;
      this.#open().then(
        () => log.info("Back on the bus"),
        (error) => {
          log.debug(describe(error));
          this.#reopen();
        },
      );
    });
  }
}
