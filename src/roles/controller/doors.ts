import { systemClock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { packageVersion } from "../../base/version.ts";
import { Acceptor, type AcceptorOptions } from "../../wire/handshake.ts";
import type { Transport } from "../../wire/transport.ts";
import { Room } from "./room.ts";

/**
 * Of connections with TLS, which cost more than others before they are admitted: 20 KB each, and half a millisecond of the
 * processor for the handshake. Who comes too often is turned away before that.
 */
const secureBounds = { maxGreeting: 2000, rate: { burst: 2000, perSecond: 200 } };

interface DoorsOptions extends Pick<AcceptorOptions, "admit" | "enrol"> {
  readonly log: Log;
  /** How many connections there are, whether admitted or not. */
  connections(): number;
}

/**
 * The doors that agents come in by. A flood from the network cannot keep the agent of this host out, as that has a door of its
 * own; nor can those without TLS keep those out that have it.
 */
export class Doors {
  readonly #local: Acceptor;
  readonly #plain: Acceptor;
  readonly #secure: Acceptor;

  constructor({ admit, enrol, log, connections }: DoorsOptions) {
    const room = new Room(log, systemClock);
    const door = (local: boolean, bounds: Pick<AcceptorOptions, "maxGreeting" | "rate"> = {}) => {
      const crowded = () => room.crowded(connections(), local);
      const decisions = { admit, ...(enrol && { enrol }), crowded };
      return new Acceptor({ clock: systemClock, log, version: packageVersion, ...decisions, ...bounds });
    };
    [this.#local, this.#plain, this.#secure] = [door(true), door(false), door(false, secureBounds)];
  }

  accept(transport: Transport): void {
    const { peer, secure } = transport;
    const door = secure ? this.#secure : peer === "" ? this.#local : this.#plain;
    door.accept(transport);
  }

  /** Drops the connections that have not been admitted. */
  close(): void {
    for (const door of [this.#local, this.#plain, this.#secure]) door.close();
  }
}
