import { agentInterface } from "../../api/agent.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { type Client, client } from "../../bus/client.ts";
import { BusConnection } from "../../bus/connection.ts";
import { followOwner } from "../../bus/driver.ts";
import { defineInterface } from "../../bus/interface.ts";

/** An object whose property Status tells whether something is online. */
export interface Target {
  /** The bus name of the daemon that has the object. */
  readonly daemon: string;
  readonly path: string;
  readonly interface: string;
  /** The Status that counts as online. */
  readonly online: string;
}

/** The properties looked at; a node and the controller have the first in just the same form. */
const { Status, ControllerAddress } = agentInterface.properties;

function statusInterface(name: string) {
  return defineInterface({ name, methods: {}, signals: {}, properties: { Status, ControllerAddress } });
}

/** Follows whether a target is online. A daemon that is not on the bus is offline. */
export class StatusWatch {
  readonly #connection: BusConnection;
  readonly #target: Target;
  readonly #object: Client<ReturnType<typeof statusInterface>>;
  #online = false;
  #asked: Promise<void> = Promise.resolve();
  /** Counts what was told, so that an answer to an older question does not overrule it. */
  #told = 0;
  #switchedAtMs = Number.NEGATIVE_INFINITY;
  #changed: () => void = () => {};

  private constructor(connection: BusConnection, target: Target) {
    this.#connection = connection;
    this.#target = target;
    this.#object = client(connection, target.daemon, target.path, statusInterface(target.interface));
    connection.onClose(() => this.#tell(false));
    this.#object.onChanged((changed) => {
      if (changed.ControllerAddress !== undefined) this.#switchedAtMs = performance.now();
      if (changed.Status !== undefined) this.#tell(changed.Status === target.online);
    });
  }

  /** @throws Failure when there is no bus. */
  static async open(target: Target): Promise<StatusWatch> {
    const connection = await BusConnection.open(systemBusAddress());
    const watch = new StatusWatch(connection, target);
    await watch.#object.match();
    await followOwner(connection, target.daemon, (owner) => {
      // Whatever comes under this name now, what was there is gone.
      watch.#tell(false);
      watch.#asked = owner === "" ? Promise.resolve() : watch.#ask();
    });
    return watch;
  }

  /** Whether the target is online, or comes online in time. */
  async comesOnline(withinMs: number): Promise<boolean> {
    if (withinMs === 0) await this.#asked;
    return this.#until(true, withinMs);
  }

  /** Returns when the target is offline, for longer than `switchTimeoutMs` when its controller was switched. */
  async goesOffline(switchTimeoutMs: number): Promise<void> {
    for (;;) {
      await this.#until(false);
      const leftMs = this.#switchedAtMs + switchTimeoutMs - performance.now();
      if (leftMs <= 0 || !(await this.#until(true, leftMs))) return;
    }
  }

  close(): void {
    this.#connection.close();
  }

  /** Waits for a state. @returns whether it was there in time. */
  #until(online: boolean, withinMs?: number): Promise<boolean> {
    return new Promise((resolve) => {
      const timer = withinMs === undefined ? undefined : setTimeout(resolve, withinMs, false);
      this.#changed = () => {
        if (this.#online !== online) return;
        clearTimeout(timer);
        this.#changed = () => {};
        resolve(true);
      };
      this.#changed();
    });
  }

  #tell(online: boolean): void {
    this.#told++;
    this.#online = online;
    this.#changed();
  }

  async #ask(): Promise<void> {
    const told = this.#told;
    // An object or a daemon that is not there is offline.
    const status = await this.#object.get("Status").catch(() => "");
    if (told === this.#told) this.#tell(status === this.#target.online);
  }
}
