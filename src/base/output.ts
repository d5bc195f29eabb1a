import { isTerminal } from "./libc.ts";
import { harmless } from "./printable.ts";

/**
 * What is written at once. For much more than that the runtime allocates a file's space beforehand, and what is appended
 * to such a file comes behind a gap.
 */
const pieceSize = 64 * 1024;

/**
 * One of the standard streams to write to. The runtime's own process.stdout and process.stderr take longer to load than all
 * else that a command does.
 */
export class Output {
  /** Hears once when nothing more can be written, and why. */
  onBroken: (error: NodeJS.ErrnoException) => void = () => {};
  readonly #fd: number;
  readonly #file: Bun.BunFile;
  #queued = "";
  #writing: Promise<void> | undefined;
  #broken = false;

  constructor(fd: number) {
    this.#fd = fd;
    this.#file = Bun.file(fd);
  }

  /** Writes a text, after those before it. To a terminal it gives no orders but for colours. */
  write(text: string): void {
    const shown = harmless(text);
    this.draw(shown !== text && this.isTerminal ? shown : text);
  }

  /** The same, with orders to a terminal. */
  draw(text: string): void {
    // Writing an empty text would empty the file that the stream may be.
    if (this.#broken || text === "") return;
    this.#queued += text;
    this.#writing ??= this.#writeQueued();
  }

  /** Returns once all that was written has gone out: a slow reader of a pipe gets everything. */
  async written(): Promise<void> {
    await this.#writing;
  }

  get isTerminal(): boolean {
    return isTerminal(this.#fd);
  }

  async #writeQueued(): Promise<void> {
    try {
      while (this.#queued !== "") {
        const bytes = Buffer.from(this.#queued);
        this.#queued = "";
        for (let at = 0; at < bytes.length; at += pieceSize)
          await Bun.write(this.#file, bytes.subarray(at, at + pieceSize));
      }
    } catch (thrown) {
      this.#broken = true;
      this.#queued = "";
      this.onBroken(thrown as NodeJS.ErrnoException);
    } finally {
      this.#writing = undefined;
    }
  }
}

export const stdout = new Output(1);
export const stderr = new Output(2);
