import { DatagramSocket } from "./libc.ts";

/** The fields of an entry, as systemd.journal-fields(7) names them. */
export type Fields = Readonly<Record<string, string>>;

const socketPath = "/run/systemd/journal/socket";

/**
 * An entry in systemd's "Native Journal Protocol": `KEY=value` a line, or for a value of several lines the key on a line of
 * its own, the length of the value as 64 bits in little endian, the value, and the end of the line.
 */
export function encodeEntry(fields: Fields): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [key, text] of Object.entries(fields)) {
    const value = Buffer.from(text);
    if (value.includes(0x0a)) {
      const length = Buffer.alloc(8);
      length.writeBigUInt64LE(BigInt(value.length));
      parts.push(Buffer.from(`${key}\n`), length, value);
    } else {
      parts.push(Buffer.from(`${key}=`), value);
    }
    parts.push(Buffer.from("\n"));
  }
  return Buffer.concat(parts);
}

/** The journal of this host. Its socket is opened for the first entry and stays open. */
export class Journal {
  readonly #path: string;
  #socket: DatagramSocket | undefined;

  constructor(path = socketPath) {
    this.#path = path;
  }

  /**
   * Sends an entry. Who logs does not wait for journald: when that is behind, an entry is refused.
   * @returns whether the journal took it; not when it is not there, has no room, or finds the entry too large.
   */
  send(fields: Fields): boolean {
    this.#socket ??= new DatagramSocket(this.#path);
    return this.#socket.send(encodeEntry(fields), { wait: false });
  }
}
