import type { Clock } from "../base/clock.ts";
import type { Stream } from "./stream.ts";

/** More bytes than this may wait only while the other side goes on taking some, each patienceMs at the latest. */
const maxQueued = 64 * 1024 * 1024;
const patienceMs = 1000;
/** The most bytes that may wait in any case. Most of them are the same ones, on their way to many receivers. */
const maxBurst = 1024 * 1024 * 1024;

/** Above the first the outbox is clogged, until no more than the second is left: there is always something to send. */
const highWater = 2 * 1024 * 1024;
const lowWater = 512 * 1024;

/** What goes out in one write; what follows waits until the kernel has taken it, which tells that the other side reads. */
const pieceSize = 256 * 1024;

interface Piece {
  readonly parts: Uint8Array[];
  size: number;
}

/** What is on its way out. All that is put in before the present work is done leaves in as few writes as can be. */
export class Outbox {
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #overflow: () => void;
  readonly #pieces: Piece[] = [];
  /** Hears when the outbox gets clogged, and when it is clear again. */
  onClogged: ((clogged: boolean) => void) | undefined;
  #clogged = false;
  #queued = 0;
  /** What the kernel has not taken yet of the piece that is being written. */
  #left: Uint8Array = new Uint8Array();
  #ending = false;
  /** When the kernel last took something, or had nothing left to take. */
  #takenAtMs = 0;

  /** @param overflow called when the other side is given up; nothing more should be put then. */
  constructor(stream: Stream, clock: Clock, overflow: () => void) {
    this.#stream = stream;
    this.#clock = clock;
    this.#overflow = overflow;
  }

  put(header: Uint8Array, body: Uint8Array): void {
    if (this.#queued === 0) this.#takenAtMs = this.#clock.monotonicMs();
    if (this.#pieces.length === 0 && this.#left.length === 0) queueMicrotask(() => this.drain());
    const piece = this.#lastPiece();
    piece.parts.push(header);
    piece.size += header.length;
    if (body.length >= pieceSize) {
      // A piece by itself: to copy it beside its header takes longer than a write of its own.
      this.#pieces.push({ parts: [body], size: body.length });
    } else {
      piece.parts.push(body);
      piece.size += body.length;
    }
    this.#queued += header.length + body.length;
    this.#weigh();
    if (this.#queued > maxQueued && this.#stuck()) this.#overflow();
  }

  /** Gives the kernel as much as it takes. */
  drain(): void {
    for (;;) {
      if (this.#left.length === 0 && !this.#nextPiece()) break;
      const taken = this.#stream.write(this.#left);
      this.#left = this.#left.subarray(taken);
      this.#queued -= taken;
      if (taken > 0) this.#takenAtMs = this.#clock.monotonicMs();
      this.#weigh();
      if (this.#left.length > 0) return;
    }
    if (this.#ending) this.#stream.end();
  }

  /** Ends the stream once everything has gone out. */
  end(): void {
    this.#ending = true;
    this.drain();
  }

  #nextPiece(): boolean {
    const piece = this.#pieces.shift();
    if (!piece) return false;
    const [first] = piece.parts;
    this.#left = piece.parts.length === 1 && first ? first : Buffer.concat(piece.parts);
    return true;
  }

  #weigh(): void {
    if (this.#clogged ? this.#queued > lowWater : this.#queued <= highWater) return;
    this.#clogged = !this.#clogged;
    this.onClogged?.(this.#clogged);
  }

  #stuck(): boolean {
    return this.#queued > maxBurst || this.#clock.monotonicMs() - this.#takenAtMs >= patienceMs;
  }

  #lastPiece(): Piece {
    const last = this.#pieces.at(-1);
    if (last && last.size < pieceSize) return last;
    const piece = { parts: [], size: 0 };
    this.#pieces.push(piece);
    return piece;
  }
}
