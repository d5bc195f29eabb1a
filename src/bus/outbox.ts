import type { Socket } from "node:net";

/** The most bytes that wait for the other side to read them. A side that reads so little is given up. */
const maxQueued = 64 * 1024 * 1024;

/** What is on its way out. All that is put in before the present work is done leaves in one write. */
export class Outbox {
  readonly #socket: Socket;
  readonly #overflow: () => void;
  #waiting: Uint8Array[] = [];
  #queued = 0;

  /** @param overflow called when more than maxQueued bytes wait; nothing more should be put then. */
  constructor(socket: Socket, overflow: () => void) {
    this.#socket = socket;
    this.#overflow = overflow;
  }

  put(header: Uint8Array, body: Uint8Array): void {
    if (this.#waiting.length === 0) queueMicrotask(() => this.flush());
    this.#waiting.push(header);
    if (body.length > 0) this.#waiting.push(body);
    this.#queued += header.length + body.length;
    if (this.#queued > maxQueued) this.#overflow();
  }

  flush(): void {
    if (this.#waiting.length === 0 || !this.#socket.writable) return;
    const bytes = Buffer.concat(this.#waiting);
    this.#waiting = [];
    this.#socket.write(bytes, () => {
      this.#queued -= bytes.length;
    });
  }
}
