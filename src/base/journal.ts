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
   * Sends an entry. Who logs does not wait for journald.
   * @param patient whether the entry itself may, after others that do, when journald is behind: it ends with this process
   * where that is killed, so it is for entries that are worth little without their fields.
   * @returns whether the journal takes it; not when it is not there, is behind, or finds the entry too large.
   */
  send(fields: Fields, patient = false): boolean {
    const entry = encodeEntry(fields);
    const sent = patient && this.#waiting.length > 0 ? "full" : this.#try(entry, false);
    if (sent !== "full" || !patient) return sent === "sent";
    if (this.#waiting.length >= maxWaiting) return false;
    if (this.#waiting.push(entry) > 1) return true;
    process.on("exit", this.#finish);
    this.#tryAgainLater();
    return true;
  }

  #try(entry: Uint8Array, wait: boolean): Sent {
    this.#socket ??= new DatagramSocket(this.#path);
    return this.#socket.send(entry, { wait });
  }

  #tryAgainLater(): void {
    setTimeout(() => {
      const left = this.#waiting.findIndex((entry) => this.#try(entry, false) === "full");
      this.#waiting.splice(0, left < 0 ? this.#waiting.length : left);
      if (left >= 0) this.#tryAgainLater();
      else process.off("exit", this.#finish);
    }, againMs);
  }

  /** Now there is nobody any more whom it would keep from work. */
  readonly #finish = (): void => {
    for (const entry of this.#waiting.splice(0)) this.#try(entry, true);
  };
}
