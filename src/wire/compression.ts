import { Frame, FrameType } from "./frame.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";

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
const zstdMagic = 0xfd2fb528;
/** Magic, descriptor, window, content size and the header of a block. */
const shortestFrame = 13;

/** The fields of the compressed frame in place of another one; undefined when that is not worth it. */
export function compress(type: number, payload: Uint8Array): object | undefined {
  if (payload.length <= smallPayload) return undefined;
  const content = Bun.zstdCompressSync(payload, { level });
  if (content.length >= payload.length || content.length * maxRatio < payload.length) return undefined;
  return { type, size: payload.length, content };
}

/**
 * The frame inside of a compressed one.
 * Bound: a payload of `limit` bytes, and of `maxRatio` times what came, of which no more is unfolded.
 * @throws WireError when it is larger, or not what it says.
 */
export function decompress({ payload }: Pick<Frame, "payload">, limit: number): Frame {
  const fields = new Reader(payload).fields(compressedPlan) as { type: number; size: number; content: Uint8Array };
  const { type, size, content } = fields;
  if (type === FrameType.compressed) throw new WireError("a compressed frame in a compressed frame");
  if (size > limit) throw new WireError(`a frame of ${size} bytes, where ${limit} are allowed`);
  if (size > content.length * maxRatio) throw new WireError(`${content.length} bytes that unfold to ${size}`);
  const unfolded = unfold(content, size);
  if (unfolded?.length !== size) throw new WireError("compressed bytes do not unfold to what they should");
  return new Frame(type, unfolded, 0, size, true);
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

/**
 * Whether bytes are one zstd frame alone that says itself to unfold to `size` (RFC 8878, 3.1.1): Bun's function then takes
 * that much memory and no more. (Of node:zlib's, which takes a bound, each call costs twice as much.)
 */
function announces(frame: Uint8Array, size: number): boolean {
  if (frame.length < shortestFrame) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const descriptor = view.getUint8(4);
  // No checksum and no dictionary follow; bit 5 says that there is no byte for the window.
  if (view.getUint32(0, true) !== zstdMagic || (descriptor & 0x1f) !== 0) return false;
  let at = (descriptor & 0x20) !== 0 ? 5 : 6;
  const width = descriptor >> 6;
  if ((width === 1 ? view.getUint16(at, true) + 256 : width === 2 && view.getUint32(at, true)) !== size) return false;
  at += 2 * width;
  for (let last = false; !last; ) {
    if (at + 3 > frame.length) return false;
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (header & 1) !== 0;
    // A block of type 1 is one byte, to be repeated.
    at += 3 + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
  }
  return at === frame.length;
}
