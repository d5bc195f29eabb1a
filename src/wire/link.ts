import { Alarm } from "../base/alarm.ts";
import type { Clock } from "../base/clock.ts";
import { emptyPlan } from "./codec.ts";
import { Compression, compressedPlan, smallPayload } from "./compression.ts";
import { type Frame, FrameReader, FrameType, headerSize } from "./frame.ts";
import type { Plan } from "./plan.ts";
import { WireError } from "./reader.ts";
import type { Transport } from "./transport.ts";
import { Writer } from "./writer.ts";

/** Who gets the frames of a link. */
export interface LinkUser {
  /** @throws WireError when the frame makes no sense, which ends the link. */
  frame(frame: Frame): void;
  /** All that was queued has left. */
  drained(): void;
  /** The link has ended, not by its user. Told at most once, and never from within `send`. */
  ended(reason: string): void;
}

export interface LinkLimits {
  readonly maxFrame: number;
  readonly maxQueuedBytes: number;
}

/**
 * How many turns of the microtask queue `yield` waits: an await takes one, an async function that returns a promise
 * three. No I/O comes in between.
 */
const yieldedTurns = 12;

/** Frames that are handed out at a time; before the next ones other peers have their turn. */
const framesAtATime = 128;

/** How long a frame that is in no hurry waits for another one, to leave in one write with it. */
const lingerMs = 100;

/** A heartbeat, as all links write it. */
const heartbeat = new Uint8Array([0, 0, 0, FrameType.heartbeat]);

/** Bytes of a turn that are handed to the transport before the turn ends. */
const corkedBytes = 256 * 1024;

/**
 * Frames over a transport. All frames sent in one turn of the loop leave in one write, with those that are in no hurry and
 * were sent before.
 * Bounds: a frame that arrives has at most `frameLimit` bytes of payload, else the link ends; one to be sent at most
 * `maxFrame`, else `send` throws; above `maxQueuedBytes` queued bytes the link ends.
 */
export class Link {
  readonly transport: Transport;
  /** When something arrived last, in ms of the clock. */
  heardMs: number;
  /** Resolves when the transport has ended: the peer has ended it too, or cannot be told. */
  readonly gone: Promise<void>;
  readonly #ended = Promise.withResolvers<void>();
  readonly #clock: Clock;
  readonly #maxQueuedBytes: number;
  readonly #reader: FrameReader;
  readonly #writer: Writer;
  #user: LinkUser;
  #sentBytes = 0;
  #flushing = false;
  #handing = false;
  #yielding = false;
  #held = false;
  #handed = 0;
  #resting = false;
  #open = true;
  /** Sends what has waited in vain. It is left set when something else was sent: setting it anew costs more than ringing. */
  readonly #lingering: Alarm;
  /** When compressed frames are understood, and whether they are sent. */
  #compression: Compression | undefined;
  #compresses = false;

  constructor(transport: Transport, options: { clock: Clock; limits: LinkLimits; frameLimit: number; user: LinkUser }) {
    this.transport = transport;
    this.gone = this.#ended.promise;
    this.heardMs = options.clock.monotonicMs();
    this.#clock = options.clock;
    this.#lingering = new Alarm(options.clock, () => {
      this.#flush();
      return Number.POSITIVE_INFINITY;
    });
    this.#maxQueuedBytes = options.limits.maxQueuedBytes;
    this.#reader = new FrameReader(options.frameLimit);
    this.#writer = new Writer(headerSize + options.limits.maxFrame);
    this.#user = options.user;
  }

  /** What has been sent and not yet been taken by the kernel, in bytes. */
  get queuedBytes(): number {
    return this.#writer.length + this.transport.queuedBytes;
  }

  /** What of all that has been sent has left, in bytes. */
  get takenBytes(): number {
    return this.#sentBytes - this.queuedBytes;
  }

  /** Begins to read. */
  start(): void {
    this.transport.start({
      data: (chunk) => {
        this.heardMs = this.#clock.monotonicMs();
        if (!this.#open) return;
        this.#reader.push(chunk);
        this.#hand();
      },
      drained: () => {
        if (this.#open) this.#user.drained();
      },
      closed: (reason) => {
        this.#ended.resolve();
        this.#fail(reason);
      },
    });
  }

  /**
   * Hands the link over: the next frame goes to `user`, and may be larger than those before.
   * @param compression whether either side takes compressed frames. To a peer on this host none are sent: they save nothing.
   */
  handOver(user: LinkUser, frameLimit: number, compression: boolean): void {
    this.#user = user;
    this.#reader.limit = frameLimit;
    this.#compression = compression ? new Compression() : undefined;
    this.#compresses = compression && !this.transport.local;
  }

  /** Whether reading is on hold. */
  get held(): boolean {
    return this.#held;
  }

  /** Stops handing out frames, and reading, until `release`. */
  hold(): void {
    if (this.#held) return;
    this.#held = true;
    this.transport.pause();
  }

  release(): void {
    if (!this.#held) return;
    this.#held = false;
    // What the peer could not say meanwhile is not held against it.
    this.heardMs = this.#clock.monotonicMs();
    if (!this.#resting) this.transport.resume();
    this.#hand();
  }

  /**
   * Lets those who wait for a promise that was settled just now go on before the next frame is handed out: who asks for
   * a state and follows its changes must not see a change before the answer.
   */
  yield(): void {
    if (this.#yielding) return;
    this.#yielding = true;
    void this.#handLater();
  }

  /**
   * Queues a frame. Does nothing when the link has ended.
   * @param serial in front of the fields, in frames that have one.
   * @param hurry false when it may wait for `lingerMs`.
   * @returns the size of the frame in bytes.
   * @throws Failure LimitsExceeded when the frame is too large, InvalidArgs when a value is not of its type.
   */
  send(type: number, serial: number | undefined, plan: Plan, values: object, hurry = true): number {
    if (!this.#open) return 0;
    const size = this.#encode(type, serial, plan, values);
    this.#sentBytes += size;
    if (this.queuedBytes > this.#maxQueuedBytes) {
      this.#open = false;
      const reason = `peer does not read: more than ${this.#maxQueuedBytes} bytes are queued`;
      queueMicrotask(() => this.#abort(reason));
    } else if (this.#writer.length > corkedBytes) {
      this.#flush();
    } else if (!hurry) {
      this.#lingering.by(this.#clock.monotonicMs() + lingerMs);
    } else if (!this.#flushing) {
      this.#flushing = true;
      queueMicrotask(() => this.#flush());
    }
    return size;
  }

  /** Sends a heartbeat. Where nothing is queued it leaves by itself, and nothing is made for it. */
  beat(): void {
    if (this.queuedBytes > 0) {
      this.send(FrameType.heartbeat, undefined, emptyPlan, {});
    } else if (this.#open) {
      this.#sentBytes += heartbeat.length;
      this.transport.write(heartbeat);
    }
  }

  /** Sends what is queued and ends the link. */
  close(): void {
    if (!this.#open) return;
    this.#flush();
    this.#open = false;
    this.#lingering.cancel();
    this.transport.close();
  }

  #encode(type: number, serial: number | undefined, plan: Plan, values: object): number {
    const size = this.#write(type, serial, plan, values);
    // Of a small one not even a view is made.
    if (!this.#compresses || size - headerSize <= smallPayload) return size;
    const inside = this.#compression?.compress(type, this.#writer.written.subarray(headerSize));
    if (!inside) return size;
    this.#writer.rewind();
    return this.#write(FrameType.compressed, undefined, compressedPlan, inside);
  }

  #write(type: number, serial: number | undefined, plan: Plan, values: object): number {
    const writer = this.#writer;
    const start = writer.begin();
    try {
      for (let index = 0; index < headerSize; index++) writer.byte(type);
      if (serial !== undefined) writer.varint(serial);
      writer.fields(plan, values);
      const size = writer.finish();
      const payload = size - headerSize;
      writer.patch(start, payload & 0xff);
      writer.patch(start + 1, (payload >> 8) & 0xff);
      writer.patch(start + 2, payload >> 16);
      return size;
    } catch (thrown) {
      writer.rewind();
      throw thrown;
    }
  }

  #flush(): void {
    this.#flushing = false;
    if (this.#open && this.#writer.length > 0) this.transport.write(this.#writer.take());
  }

  /** Hands out frames as long as there are any. A user that holds or releases from within does not get in the way. */
  #hand(): void {
    if (this.#handing) return;
    this.#handing = true;
    try {
      while (this.#open && !this.#held && !this.#yielding && !this.#resting) {
        const frame = this.#reader.next();
        if (!frame) break;
        const folded = frame.type === FrameType.compressed && this.#compression;
        this.#user.frame(folded ? folded.decompress(frame, this.#reader.limit) : frame);
        if (++this.#handed === framesAtATime) this.#rest();
      }
    } catch (thrown) {
      if (!(thrown instanceof WireError)) throw thrown;
      this.#fail(`malformed frame: ${thrown.message}`);
    } finally {
      this.#handing = false;
    }
  }

  /** Lets others go first: a peer that floods does not keep us from them. */
  #rest(): void {
    this.#handed = 0;
    this.#resting = true;
    this.transport.pause();
    setImmediate(() => {
      this.#resting = false;
      // It is not silent as long as something of it waits here.
      this.heardMs = this.#clock.monotonicMs();
      this.#hand();
      // More is read when all that has been read is handed out.
      if (!this.#resting && !this.#held) this.transport.resume();
    });
  }

  async #handLater(): Promise<void> {
    for (let turn = 0; turn < yieldedTurns; turn++) await undefined;
    this.#yielding = false;
    this.#hand();
  }

  #fail(reason: string): void {
    if (!this.#open) return;
    this.close();
    this.#user.ended(reason);
  }

  #abort(reason: string): void {
    this.#lingering.cancel();
    this.transport.abort();
    this.#user.ended(reason);
  }
}
