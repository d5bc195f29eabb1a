import { pathDecode } from "../base/names.ts";
import type { BusConnection } from "./connection.ts";
import { credentialsOf } from "./driver.ts";
import { encodeBody } from "./marshal.ts";
import { decodeBody } from "./unmarshal.ts";

/** How many callers are remembered; with one more, who has not called for longest is forgotten, and asked about again. */
const maxCallers = 1024;
/** How long systemd may take to say which unit a caller belongs to. */
const unitMs = 2000;

/** Who is behind a name on the bus. */
export interface Identity {
  readonly uid: number;
  /** 0 when the bus does not see it. */
  readonly pid: number;
  /** The unit that the process belonged to when it called first, such as session-2.scope; "" when that is not known. */
  unit: string;
  /** There until systemd has told the unit, and resolved then. */
  settled: Promise<void> | undefined;
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
      const identity: Identity = { uid, pid, unit: "", settled: undefined };
      // To systemd 0 means who asks.
      if (pid !== 0) identity.settled = this.#findUnit(identity);
      if (this.#known.has(name)) this.#known.set(name, identity);
      return identity;
    } catch (error) {
      this.#known.delete(name);
      throw error;
    }
  }

  /** systemd is asked, as the files of /proc that tell it are hidden from who is not root (ProtectProc=). */
  async #findUnit(identity: Identity): Promise<void> {
    try {
      const reply = await this.#connection.call({
        ...manager,
        body: encodeBody("u", [identity.pid]),
        timeoutMs: unitMs,
      });
      const path = String(decodeBody(reply.body)[0]);
      identity.unit = pathDecode(path.slice(path.lastIndexOf("/") + 1));
    } catch {
      // It is a process of another container, or there is no systemd on this bus.
    }
    identity.settled = undefined;
  }
}

const manager = {
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
  member: "GetUnitByPID",
  noAutoStart: true,
} as const;
