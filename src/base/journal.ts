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
