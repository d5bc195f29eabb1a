import type { Clock, Timer } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { Random } from "./random.ts";
import { closeGraceMs, type Listener, type Transport, type TransportHandler } from "./transport.ts";

export interface MemoryOptions {
  readonly seed: number;
  /** With a clock, bytes arrive after up to `maxDelayMs` of it. Without, when a test calls `step`. */
  readonly clock?: Clock;
  readonly maxDelayMs?: number;
}

/** What the two kernels of a connection hold for one direction; what is more stays queued with the writer. */
const windowBytes = 64 * 1024;

/**
 * A network in memory for tests: bytes are cut at random points and come late, in an order between connections that
 * depends on the seed alone; connections can be cut, and peers be lost without a word.
 */
export class MemoryNetwork {
  readonly #random: Random;
  readonly #options: MemoryOptions;
  readonly #ends = new Set<End>();
  readonly #silent = new Set<string>();
  #listener: ((transport: Transport) => void) | undefined;

  constructor(options: MemoryOptions) {
    this.#random = new Random(options.seed);
    this.#options = options;
  }

  /** Takes the connections of all peers. */
  listen(onTransport: (transport: Transport) => void): Listener {
    this.#listener = onTransport;
    const close = (): void => {
      this.#listener = undefined;
    };
    return { port: 0, connections: 0, close };
  }

  /**
   * A connection of the peer of that name to who listens.
   * @throws Failure Failed when nobody does, or the peer is lost.
   */
  connect(name: string): Transport {
    if (!this.#listener || this.#silent.has(name)) {
      throw new Failure(ErrorName.Failed, "cannot connect: connection refused");
    }
    const [near, far] = this.pair(name);
    this.#listener(far);
    return near;
  }

  /** Both ends of a connection; the far end sees `name` as its peer. */
  pair(name = ""): [Transport, Transport] {
    const touch = (end: End) => this.#touch(end);
    const { clock } = this.#options;
    const near = new End("", name, touch, clock);
    const far = new End(name, name, touch, clock);
    near.other = far;
    far.other = near;
    this.#ends.add(near).add(far);
    return [near, far];
  }

  /** Ends all connections of a peer, or of all, as when it crashes: both sides are told. */
  cut(name?: string): void {
    for (const end of [...this.#ends]) if (name === undefined || end.name === name) end.end("connection lost");
  }

  /** Loses a peer without a word: nothing arrives any more, in either direction, until `heal`. */
  lose(name: string): void {
    this.#silent.add(name);
  }

  /** Finds a lost peer again. What was written meanwhile arrives. */
  heal(name: string): void {
    this.#silent.delete(name);
    for (const end of this.#ends) if (end.name === name) this.#touch(end);
  }

  /** Lets one piece of something arrive. @returns false when nothing is on its way. */
  step(): boolean {
    const ready = [...this.#ends].filter((end) => end.ready && !this.#silent.has(end.name));
    const end = ready[this.#random.below(ready.length)];
    if (!end) return false;
    this.#deliver(end);
    return true;
  }

  /** Lets things arrive, and promises settle, until nothing moves any more. */
  async settle(): Promise<void> {
    for (let idle = 0; idle < 3; ) {
      idle = this.step() ? 0 : idle + 1;
      // A whole turn of the loop: handlers that wait for promises of promises have their say.
      await new Promise(setImmediate);
    }
  }

  #deliver(end: End): void {
    end.deliver(1 + this.#random.below(Math.min(end.waiting, windowBytes)));
    if (end.ended) this.#ends.delete(end);
  }

  /** Something happened to an end: with a clock, its next piece is due some time later. */
  #touch(end: End): void {
    const { clock, maxDelayMs = 10 } = this.#options;
    if (!clock || end.due || !end.ready || this.#silent.has(end.name)) return;
    end.due = true;
    clock.after(this.#random.below(maxDelayMs + 1), () => {
      end.due = false;
      if (end.ready && !this.#silent.has(end.name)) this.#deliver(end);
      this.#touch(end);
    });
  }
}

/** One end of a connection, with the bytes that are on their way to it. */
class End implements Transport {
  readonly peer: string;
  readonly local = false;
  readonly secure = false;
  readonly name: string;
  other: End | undefined;
  /** Whether a timer is set for its next piece. */
  due = false;
  ended = false;
  readonly #touch: (end: End) => void;
  readonly #clock: Clock | undefined;
  #grace: Timer | undefined;
  readonly #incoming: Uint8Array[] = [];
  #waiting = 0;
  #paused = false;
  #closing = false;
  #handler: TransportHandler | undefined;
  #reason: string | undefined;
  #undrained = false;

  constructor(peer: string, name: string, touch: (end: End) => void, clock: Clock | undefined) {
    this.peer = peer;
    this.name = name;
    this.#touch = touch;
    this.#clock = clock;
  }

  /** Bytes that have not arrived here yet. */
  get waiting(): number {
    return this.#waiting;
  }

  /** Whether there is something to deliver: bytes, that the queue has left, or the end. */
  get ready(): boolean {
    if (!this.#handler || this.ended) return false;
    if (this.#undrained && this.queuedBytes === 0) return true;
    if (this.#paused && !this.#closing) return false;
    return this.#waiting > 0 || this.#reason !== undefined;
  }

  get queuedBytes(): number {
    return Math.max(0, (this.other?.waiting ?? 0) - windowBytes);
  }

  start(handler: TransportHandler): void {
    this.#handler = handler;
    this.#touch(this);
  }

  write(bytes: Uint8Array): void {
    if (this.#closing || this.#reason !== undefined) return;
    this.#undrained = true;
    this.other?.receive(bytes);
    this.#touch(this);
  }

  pause(): void {
    this.#paused = true;
  }

  resume(): void {
    this.#paused = false;
    this.#touch(this);
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.other?.end("connection lost");
    // As with a socket, the end comes when the peer has taken notice, or after a while.
    if (this.#clock === undefined) this.end("closed");
    else if (!this.ended) this.#grace = this.#clock.after(closeGraceMs, () => this.#finish("closed"));
  }

  abort(): void {
    this.other?.drop();
    this.close();
    this.end("closed");
  }

  /** Forgets what is on its way here. */
  drop(): void {
    this.#incoming.length = 0;
    this.#waiting = 0;
  }

  receive(bytes: Uint8Array): void {
    if (this.#closing) return;
    // A copy, as the kernel makes one.
    this.#incoming.push(new Uint8Array(bytes));
    this.#waiting += bytes.length;
    this.#touch(this);
  }

  /** Marks the end; what is on its way arrives before. */
  end(reason: string): void {
    this.#reason ??= reason;
    this.#touch(this);
  }

  /** Delivers the next thing: at most `size` bytes. */
  deliver(size: number): void {
    if (this.#undrained && this.queuedBytes === 0 && this.#reason === undefined) {
      this.#undrained = false;
      this.#handler?.drained();
      return;
    }
    const first = this.#incoming.shift();
    if (first && !this.#closing) {
      if (first.length > size) this.#incoming.unshift(first.subarray(size));
      const chunk = first.slice(0, size);
      this.#waiting -= chunk.length;
      this.#handler?.data(chunk);
      if (this.other) this.#touch(this.other);
      return;
    }
    this.#finish(this.#reason ?? "closed");
  }

  #finish(reason: string): void {
    if (this.ended) return;
    this.ended = true;
    this.#grace?.cancel();
    this.other?.end("connection lost");
    this.#handler?.closed(reason);
  }
}
