import type { Watch } from "./calls.ts";
import type { BusConnection } from "./connection.ts";
import { unreadBytes } from "./driver.ts";

// A bus keeps what a connection does not read, and beyond some bound (dbus-daemon: max_outgoing_bytes, 127 MiB) drops it
// without a word to anybody. So who is sent much is asked now and then by a Ping, which every D-Bus library answers, when
// it comes to it: its answer says that all before it has been read. An error is an answer, too: a bus whose policy forbids
// the Ping keeps us from asking, and then we judge nobody. A program without such a library may answer nothing at all, so
// the last word is the bus's, if it has one.

/** Bytes sent to a receiver after which it is asked; who is sent less never is. */
const askAfter = 1024 * 1024;
/** Bytes that a receiver may be behind. A program that reads at all is not, and the bus keeps twice as much. */
const maxUnread = 64 * 1024 * 1024;

interface Receiver {
  /** Bytes sent to it, and those of them that it has read for sure. */
  sent: number;
  read: number;
  /** Whether an answer is on its way. */
  asked: boolean;
  /** Whether the bus is being asked what it keeps. */
  judged: boolean;
  readonly watchers: Set<() => void>;
}

/** Tells who does not read what it is sent. */
export class Receivers {
  readonly #connection: Pick<BusConnection, "call">;
  readonly #receivers = new Map<string, Receiver>();

  constructor(connection: Pick<BusConnection, "call">) {
    this.#connection = connection;
  }

  /** Calls `slow` once, soon after `name` has fallen too far behind. */
  watch(name: string, slow: () => void): Watch {
    const receiver = this.#receivers.get(name) ?? {
      sent: 0,
      read: 0,
      asked: false,
      judged: false,
      watchers: new Set(),
    };
    this.#receivers.set(name, receiver);
    const fire = () => slow();
    receiver.watchers.add(fire);
    return {
      cancel: () => {
        receiver.watchers.delete(fire);
        this.#tidy(name, receiver);
      },
    };
  }

  /** Notes that something is on its way to `name`; without effect when nobody watches it. */
  sent(name: string, bytes: number): void {
    const receiver = this.#receivers.get(name);
    if (!receiver) return;
    receiver.sent += bytes;
    const unread = receiver.sent - receiver.read;
    if (unread >= askAfter && !receiver.asked) void this.#ask(name, receiver);
    if (unread > maxUnread && !receiver.judged) void this.#judge(name, receiver);
  }

  /** A bus that does not tell what it keeps does not speak for the receiver. */
  async #judge(name: string, receiver: Receiver): Promise<void> {
    const { sent } = receiver;
    receiver.judged = true;
    const kept = await unreadBytes(this.#connection, name).catch(() => Number.POSITIVE_INFINITY);
    receiver.judged = false;
    receiver.read = Math.max(receiver.read, sent - kept);
    if (receiver.sent - receiver.read > maxUnread) {
      for (const fire of receiver.watchers) fire();
      receiver.watchers.clear();
    }
    this.#tidy(name, receiver);
  }

  async #ask(name: string, receiver: Receiver): Promise<void> {
    const { sent } = receiver;
    receiver.asked = true;
    const ping = { path: "/", interface: "org.freedesktop.DBus.Peer", member: "Ping" };
    await this.#connection.call({ ...ping, destination: name, noAutoStart: true, timeoutMs: 0 }).catch(() => {});
    receiver.asked = false;
    receiver.read = Math.max(receiver.read, sent);
    this.#tidy(name, receiver);
  }

  /** Who does not answer is remembered as long as it is on the bus: it may not begin anew with nothing to its charge. */
  #tidy(name: string, { watchers, asked, judged }: Receiver): void {
    if (watchers.size === 0 && !asked && !judged) this.#receivers.delete(name);
  }
}
