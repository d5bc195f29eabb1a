import { Reader, WireError } from "./reader.ts";

/*
 * A frame on the wire:
 *
 *   byte 0..2   length of the payload, unsigned, little-endian
 *   byte 3      type: bit 7 says that an answer is expected, bits 0..6 are an id
 *   byte 4..    payload
 *
 * Ids 0..15 are the frames below, which every version understands; from 16 on they are the rows of the message table.
 * The payload of a request begins with its serial, a varint that is unique among the unanswered requests of its
 * sender; the fields follow. The payload of an event is its fields.
 */
export const headerSize = 4;
export const maxPayload = 2 ** 24 - 1;

/** Set in the type of a frame that has to be answered, so that an unknown request is told from an unknown event. */
export const requestBit = 0x80;

export const FrameType = {
  /** The agent's first frame: fields of `helloPlan`. */
  hello: 0,
  /** The controller's answer to hello: fields of `welcomePlan`. */
  welcome: 1,
  /** Or this one: fields of `refusePlan`. The connection ends. */
  refuse: 2,
  /** Says that its sender is alive. No payload. */
  heartbeat: 3,
  /** Answers a request: its serial, then the fields of the reply. */
  reply: 4,
  /** Answers a request: its serial, then error name `s` and message `s`. */
  fault: 5,
  /** The last frame of its sender: fields of `goodbyePlan`. */
  goodbye: 6,
  /** Asks in place of a hello whether that would be welcome: fields of `helloPlan`. It is answered as a hello; then the connection ends. */
  probe: 7,
  /** Another frame, compressed: fields of `compressedPlan`. Only for a peer whose greeting has the feature. */
  compressed: 8,
  /** A host's first frame, in place of a hello, which asks for a certificate: fields of `enrolPlan`. The connection ends after the answer. */
  enrol: 9,
  /** The controller's answer to it: fields of `enrolledPlan`. */
  enrolled: 10,
  /** Or this one, when somebody has to approve: fields of `pendingPlan`. */
  pending: 11,
} as const;

/** Whether the payload of such a frame begins with a serial. */
export function hasSerial(type: number): boolean {
  return type === FrameType.reply || type === FrameType.fault || (type & requestBit) !== 0;
}

/** A frame where it lies: valid until the next one is asked for, unless that is memory of its own. */
export class Frame {
  readonly type: number;
  readonly #bytes: Uint8Array;
  readonly #start: number;
  readonly #end: number;
  readonly #own: boolean;

  /** @param own whether the bytes are the frame's own. */
  constructor(type: number, bytes: Uint8Array, start = 0, end = bytes.length, own = false) {
    this.type = type;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#own = own;
  }

  /** To make a view takes as long as to read a short frame, for which `reader` needs none. */
  get payload(): Uint8Array {
    return this.#bytes.subarray(this.#start, this.#end);
  }

  /** Reads the payload from its beginning. */
  reader(): Reader {
    return new Reader(this.#bytes, this.#own, this.#start, this.#end);
  }
}

/** Up to here the spill buffer is kept for the next frame that is cut. What a longer frame lies in is its own. */
const keptSpill = 64 * 1024;
const noBytes = new Uint8Array(0);

/**
 * Cuts a stream into frames. A frame that lies in one chunk is left there; one that is spread over several is put
 * together in a spill buffer. The next chunk is pushed when `next` has returned undefined.
 * Bound: the spill buffer holds one frame of at most `limit` bytes of payload and grows only with what arrives.
 */
export class FrameReader {
  /** Bytes of payload that a frame may have. */
  limit: number;
  #chunk: Uint8Array = noBytes;
  #at = 0;
  #spill: Uint8Array = noBytes;
  #spilled = 0;

  constructor(limit: number) {
    this.limit = limit;
  }

  /** Bytes held at the moment. */
  get held(): number {
    return this.#spill.length + this.#chunk.length;
  }

  /** Adds what arrived. A rest of the chunk before is not lost, but has to be small: it is copied. */
  push(chunk: Uint8Array): void {
    if (this.#at === this.#chunk.length) {
      this.#chunk = chunk;
    } else {
      const rest = this.#chunk.length - this.#at;
      const joined = new Uint8Array(rest + chunk.length);
      joined.set(this.#chunk.subarray(this.#at));
      joined.set(chunk, rest);
      this.#chunk = joined;
    }
    this.#at = 0;
  }

  /**
   * The next frame, or undefined when more has to arrive first.
   * @throws WireError when a frame is larger than the limit.
   */
  next(): Frame | undefined {
    if (this.#spilled > 0) return this.#resume();
    const left = this.#chunk.length - this.#at;
    if (left < headerSize) return this.#cut(headerSize);
    const end = this.#at + headerSize + this.#payloadSize(this.#chunk, this.#at);
    if (end > this.#chunk.length) return this.#cut(end - this.#at);
    const start = this.#at + headerSize;
    this.#at = end;
    return new Frame(this.#chunk[start - 1] ?? 0, this.#chunk, start, end, end - start > keptSpill);
  }

  /** Keeps the rest of the chunk, the beginning of a frame, until more arrives. */
  #cut(size: number): undefined {
    if (this.#at < this.#chunk.length) this.#fill(size);
    this.#chunk = noBytes;
    this.#at = 0;
    return undefined;
  }

  /** Completes the frame in the spill buffer. */
  #resume(): Frame | undefined {
    this.#fill(headerSize);
    if (this.#spilled < headerSize) return this.#cut(headerSize);
    const size = headerSize + this.#payloadSize(this.#spill, 0);
    this.#fill(size);
    if (this.#spilled < size) return this.#cut(size);
    const frame = new Frame(this.#spill[3] ?? 0, this.#spill, headerSize, size, size > keptSpill);
    this.#spilled = 0;
    if (this.#spill.length > keptSpill) this.#spill = noBytes;
    return frame;
  }

  /** Moves bytes of the chunk into the spill buffer until it holds `size`, or the chunk is used up. */
  #fill(size: number): void {
    const taken = this.#chunk.subarray(this.#at, this.#at + Math.max(0, size - this.#spilled));
    const needed = this.#spilled + taken.length;
    if (needed > this.#spill.length) {
      // Doubled, not made as large as announced: a peer pays in bytes for the memory it takes.
      const grown = new Uint8Array(Math.min(Math.max(needed, 2 * this.#spill.length, 256), headerSize + this.limit));
      grown.set(this.#spill.subarray(0, this.#spilled));
      this.#spill = grown;
    }
    this.#spill.set(taken, this.#spilled);
    this.#spilled = needed;
    this.#at += taken.length;
  }

  #payloadSize(bytes: Uint8Array, at: number): number {
    const size = (bytes[at] ?? 0) | ((bytes[at + 1] ?? 0) << 8) | ((bytes[at + 2] ?? 0) << 16);
    if (size > this.limit) {
      const hint = isTls(bytes, at) ? ": it looks like TLS, which is not spoken here" : "";
      throw new WireError(`a frame of ${size} bytes, where ${this.limit} are allowed${hint}`);
    }
    return size;
  }
}

/** Whether bytes begin as a record of TLS does (RFC 8446, 5.1): its type, and a version 3.x. */
function isTls(bytes: Uint8Array, at: number): boolean {
  const type = bytes[at] ?? 0;
  return type >= 20 && type <= 23 && bytes[at + 1] === 3;
}
