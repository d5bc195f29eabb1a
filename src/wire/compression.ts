import { Recent } from "../base/recent.ts";
import { Frame, FrameType, hasSerial } from "./frame.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";
import { announces, headed, headOf } from "./zstd-frame.ts";

/** The bit among the features of a greeting that says that its sender takes compressed frames. */
export const compressionFeature = 1;

/** A frame inside of a frame: its type, how many bytes of payload it has, and these as a zstd frame (RFC 8878). */
export const compressedPlan = planOf({ type: "y", size: "u", content: "ay" });

/** Bytes of payload that are not compressed yet: they fit into what TCP sends without waiting (ten segments). */
export const smallPayload = 14_000;
/** Higher levels take a list of units several times as long, and make it a tenth smaller at most. */
const level = 1;
/**
 * How many times its size a content may unfold to, so that a few bytes do not order a lot of work. A list of units that
 * differ in a number alone is compressed to a tenth. What would unfold to more is sent as it is.
 */
export const maxRatio = 64;
const longestSerial = 5;

/** Bytes that are kept in all of what was sent last, and of what was received last. */
const maxSent = 1024 * 1024;
const maxReceived = 4 * 1024 * 1024;

/** What was behind the serial: in memory that is used again, and as a zstd frame. */
interface Sent {
  readonly memory: Uint8Array;
  readonly size: number;
  readonly folded: Uint8Array;
}

/** A content, where its serial lies in it, and what it unfolds to. Others may look at all of that but the serial in front. */
interface Received {
  readonly content: Uint8Array;
  readonly serial: Uint8Array;
  readonly payload: Uint8Array;
}

const sent = new Recent<Compression, Sent>(maxSent);
const received = new Recent<Compression, Received>(maxReceived);

/**
 * The compressed frames of a link. Who asks for a list again mostly gets the same one, behind another serial. So a serial stands in
 * front of what is compressed, and what was compressed or unfolded last is used again when it is the same, byte for byte.
 */
export class Compression {
  /** The fields of the compressed frame in place of another one; undefined when that is not worth it. */
  compress(type: number, payload: Uint8Array): object | undefined {
    if (payload.length <= smallPayload) return undefined;
    const serial = payload.subarray(0, serialSize(type, payload));
    const rest = payload.subarray(serial.length);
    const folded = this.#fold(rest);
    const content = serial.length === 0 ? folded : headed(serial, folded, rest.length);
    if (content.length >= payload.length || content.length * maxRatio < payload.length) return undefined;
    return { type, size: payload.length, content };
  }

  #fold(rest: Uint8Array): Uint8Array {
    const last = sent.get(this);
    const size = rest.length;
    if (last?.size === size && Buffer.compare(last.memory.subarray(0, size), rest) === 0) return last.folded;
    const folded = Bun.zstdCompressSync(rest, { level });
    const memory = last && last.memory.length >= size ? last.memory : new Uint8Array(size);
    memory.set(rest);
    sent.set(this, { memory, size, folded }, memory.length + folded.length);
    return folded;
  }

  /**
   * The frame inside of a compressed one.
   * Bound: a payload of `limit` bytes, and of `maxRatio` times what came, of which no more is unfolded.
   * @throws WireError when it is larger, or not what it says.
   */
  decompress({ payload }: Pick<Frame, "payload">, limit: number): Frame {
    const fields = new Reader(payload).fields(compressedPlan) as { type: number; size: number; content: Uint8Array };
    const { type, size, content } = fields;
    if (type === FrameType.compressed) throw new WireError("a compressed frame in a compressed frame");
    if (size > limit) throw new WireError(`a frame of ${size} bytes, where ${limit} are allowed`);
    if (size > content.length * maxRatio) throw new WireError(`${content.length} bytes that unfold to ${size}`);
    const unfolded = this.#unfoldedBefore(type, size, content) ?? this.#unfold(type, size, content);
    return new Frame(type, unfolded, 0, size, true);
  }

  /** What was unfolded last, when no more than the serial is another one. */
  #unfoldedBefore(type: number, size: number, content: Uint8Array): Uint8Array | undefined {
    const last = received.get(this);
    const serial = headOf(content);
    if (!hasSerial(type) || last?.payload.length !== size || last.serial.length !== serial.length) return undefined;
    last.serial.set(serial);
    if (Buffer.compare(last.content, content) !== 0) return undefined;
    last.payload.set(serial);
    return last.payload;
  }

  #unfold(type: number, size: number, content: Uint8Array): Uint8Array {
    const payload = unfold(content, size);
    if (payload?.length !== size) throw new WireError("compressed bytes do not unfold to what they should");
    const serial = headOf(content);
    if (serial.length > 0 && serial.length === serialSize(type, payload)) {
      const rest = content.subarray(serial.byteOffset - content.byteOffset + serial.length);
      received.setAgain(this, { content, serial, payload }, content.length + size, Bun.hash.crc32(rest));
    }
    return payload;
  }
}

/** How many bytes the serial has that a payload begins with, if it does. */
function serialSize(type: number, payload: Uint8Array): number {
  if (!hasSerial(type)) return 0;
  let size = 1;
  while (size < longestSerial && (payload[size - 1] ?? 0) >= 0x80) size++;
  return size;
}

/** @returns undefined when the bytes are not zstd's, or unfold to something else. */
function unfold(content: Uint8Array, size: number): Uint8Array | undefined {
  if (!announces(content, size)) return undefined;
  try {
    return Bun.zstdDecompressSync(content);
  } catch {
    return undefined;
  }
}
