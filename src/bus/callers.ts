import { readFileSync } from "node:fs";
import type { BusConnection } from "./connection.ts";
import { credentialsOf } from "./driver.ts";

/** How many callers are remembered; with one more, who has not called for longest is forgotten, and asked about again. */
const maxCallers = 1024;

/** Who is behind a name on the bus. */
export interface Identity {
  readonly uid: number;
  /** 0 when the bus does not see it. */
  readonly pid: number;
  /** The unit that the process belonged to when it called first, such as session-2.scope; "" when that is not known. */
  readonly unit: string;
}

/** Who calls over a connection, asked of its bus once for each caller: a bus gives no unique name twice. */
export class Callers {
  readonly #connection: Pick<BusConnection, "call">;
  /** In the order of their last calls. */
  readonly #known = new Map<string, Identity | Promise<Identity>>();

  constructor(connection: Pick<BusConnection, "call">) {
    this.#connection = connection;
  }

  /**
   * Who has a unique name; at once when that is known.
   * @throws Failure (later) NameHasNoOwner when it has left the bus already, or as BusConnection.call.
   */
  get(name: string): Identity | Promise<Identity> {
    const known = this.#known.get(name) ?? this.#ask(name);
    this.#known.delete(name);
    this.#known.set(name, known);
    const [oldest] = this.#known.keys();
    if (this.#known.size > maxCallers && oldest !== undefined) this.#known.delete(oldest);
    return known;
  }

  async #ask(name: string): Promise<Identity> {
    try {
      const { uid, pid } = await credentialsOf(this.#connection, name);
      const identity = { uid, pid, unit: unitOf(pid) };
      if (this.#known.has(name)) this.#known.set(name, identity);
      return identity;
    } catch (error) {
      this.#known.delete(name);
      throw error;
    }
  }
}

/** The unit that a process belongs to. It waits for its answer, so its id is still its own. */
function unitOf(pid: number): string {
  try {
    return unitIn(readFileSync(`/proc/${pid}/cgroup`, "utf8"));
  } catch {
    return "";
  }
}

/** What is no slice in the path of a control group that systemd made. */
const unitLabel = /\.(?:service|scope|socket|mount|swap)$/;

/**
 * The system's unit in a /proc/PID/cgroup, as sd_pid_get_unit(3) finds it: the first label that is no slice, of systemd's
 * own hierarchy where there are several.
 */
export function unitIn(text: string): string {
  const path = /^\d+:name=systemd:(.*)$/m.exec(text) ?? /^0::(.*)$/m.exec(text);
  return path?.[1]?.split("/").find((label) => unitLabel.test(label)) ?? "";
}
