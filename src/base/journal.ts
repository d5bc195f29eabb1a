import { DatagramSocket, type Sent } from "./libc.ts";

/** The fields of an entry, as systemd.journal-fields(7) names them. */
export type Fields = Readonly<Record<string, string>>;

const socketPath = "/run/systemd/journal/socket";

/**
 * An entry in systemd's "Native Journal Protocol": `KEY=value` a line, or for a value of several lines the key on a line of
 * its own, the length of the value as 64 bits in little endian, the value, and the end of the line.
 */
export function encodeEntry(fields: Fields): Uint8Array {
  const parts: Uint8Array[] = [];
  // Lines that follow one another are made into bytes at once.
  let lines = "";
  for (const key in fields) {
    const text = fields[key] as string;
    if (!text.includes("\n")) {
      lines += `${key}=${text}\n`;
      continue;
    }
    const value = Buffer.from(text);
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(value.length));
    parts.push(Buffer.from(`${lines}${key}\n`), length, value);
    lines = "\n";
  }
  const last = Buffer.from(lines);
  return parts.length === 0 ? last : Buffer.concat([...parts, last]);
}

/** Entries that wait until journald has room; beyond, they are refused. */
const maxWaiting = 1000;
/** How soon they are tried again. */
const againMs = 10;

/** The journal of this host. Its socket is opened for the first entry and stays open. */
export class Journal {
  readonly #path: string;
  readonly #waiting: Uint8Array[] = [];
  #socket: DatagramSocket | undefined;

  constructor(path = socketPath) {
    this.#path = path;
  }

  /**
   * Sends an entry. Who logs does not wait for journald: when that is behind, its entries do, in their order.
   * @returns whether the journal takes it; not when it is not there, is far behind, or finds the entry too large.
   */
  send(fields: Fields): boolean {
    const entry = encodeEntry(fields);
    if (this.#waiting.length === 0) {
      const sent = this.#try(entry);
      if (sent !== "full") return sent === "sent";
      process.on("exit", this.#flush);
      this.#tryAgainLater();
    } else if (this.#waiting.length >= maxWaiting) return false;
    this.#waiting.push(entry);
    return true;
  }

  #try(entry: Uint8Array): Sent {
    this.#socket ??= new DatagramSocket(this.#path);
    return this.#socket.send(entry, { wait: false });
  }

  #tryAgainLater(): void {
    setTimeout(() => {
      this.#flush();
      if (this.#waiting.length > 0) this.#tryAgainLater();
      else process.off("exit", this.#flush);
    }, againMs);
  }

  /** Sends those that wait, as far as there is room. */
  readonly #flush = (): void => {
    const entry = this.#waiting.findIndex((waiting) => this.#try(waiting) === "full");
    this.#waiting.splice(0, entry < 0 ? this.#waiting.length : entry);
  };
}
