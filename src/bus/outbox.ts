import type { Clock } from "../base/clock.ts";
import { Pieces } from "./pieces.ts";
import type { Stream } from "./stream.ts";

/** More bytes than this may wait only while the other side goes on taking some, each patienceMs at the latest. */
const maxQueued = 64 * 1024 * 1024;
const patienceMs = 1000;
/** The most bytes that may wait in any case. Most of them are the same ones, on their way to many receivers. */
const maxBurst = 1024 * 1024 * 1024;

/** Above the first the outbox is clogged, until no more than the second is left: there is always something to send. */
const highWater = 2 * 1024 * 1024;
const lowWater = 512 * 1024;

/** What is on its way out. All that is put in before the present work is done leaves in few writes (pieces.ts). */
export class Outbox {
  readonly #stream: Stream;
  readonly #clock: Clock;
  readonly #overflow: () => void;
  readonly #pieces = new Pieces();
  /** Hears when the outbox gets clogged, and when it is clear again. */
  onClogged: ((clogged: boolean) => void) | undefined;
  #clogged = false;
  #queued = 0;
  /** What the kernel has not taken yet of what is being written. */
  #left: Uint8Array | undefined;
  /** Whether the kernel is kept from taking much. */
  #narrow = false;
  #ending = false;
  /** When the kernel last took something, or had nothing left to take. */
  #takenAtMs = 0;

  /** @param overflow called when the other side is given up; nothing more should be put then. */
  constructor(stream: Stream, clock: Clock, overflow: () => void) {
    this.#stream = stream;
    this.#clock = clock;
    this.#overflow = overflow;
  }

  /** @param replyTo who gets it, "" peer to peer, when it is a reply. */
  put(header: Uint8Array, body: Uint8Array, replyTo?: string): void {
    if (this.#queued === 0) {
      this.#takenAtMs = this.#clock.monotonicMs();
      queueMicrotask(() => this.drain());
    }
    this.#pieces.put(header, body, replyTo);
    this.#queued += header.length + body.length;
    this.#weigh();
    if (this.#queued > maxQueued && this.#stuck()) this.#overflow();
  }

  /** Gives the kernel as much as it takes. */
  drain(): void {
    for (;;) {
      const left = this.#left ?? this.#next();
      if (!left) break;
      const taken = this.#stream.write(left);
      this.#left = taken < left.length ? left.subarray(taken) : undefined;
      this.#queued -= taken;
      if (taken > 0 && this.#queued > 0) this.#takenAtMs = this.#clock.monotonicMs();
      this.#weigh();
      if (this.#left) return;
    }
    if (this.#ending) this.#stream.end();
  }

  /** Ends the stream once everything has gone out. */
  end(): void {
    this.#ending = true;
    this.drain();
  }

  #next(): Uint8Array | undefined {
    const next = this.#pieces.take();
    if (!next) return undefined;
    // What the kernel has taken cannot be passed any more.
    const narrow = this.#pieces.long > 0;
    if (narrow !== this.#narrow) this.#stream.narrow(narrow);
    this.#narrow = narrow;
    return next;
  }

  #weigh(): void {
    if (this.#clogged ? this.#queued > lowWater : this.#queued <= highWater) return;
    this.#clogged = !this.#clogged;
    this.onClogged?.(this.#clogged);
  }

  #stuck(): boolean {
    return this.#queued > maxBurst || this.#clock.monotonicMs() - this.#takenAtMs >= patienceMs;
  }
}
