import { type Frame, FrameType } from "./frame.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";

/** The bit among the features of a greeting that says that its sender takes compressed frames. */
export const compressionFeature = 1;

/** A frame inside of a frame: its type, how many bytes of payload it has, and these as a zstd frame (RFC 8878). */
export const compressedPlan = planOf({ type: "y", size: "u", content: "ay" });

/** Bytes of payload that are not compressed yet: they fit into what TCP sends without waiting (ten segments). */
const smallPayload = 14_000;
/** Higher levels take a list of units several times as long, and make it a tenth smaller at most. */
const level = 1;
/**
 * How many times its size a content may unfold to, so that a few bytes do not order a lot of work. A list of units that
 * differ in a number alone is compressed to a tenth. What would unfold to more is sent as it is.
 */
export const maxRatio = 64;
/** The zstd window (log2 of bytes) that a peer may have us allocate; `level` uses one of 512 KiB. */
export const maxWindowLog = 20;

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
export function decompress({ payload }: Frame, limit: number): Frame {
  const fields = new Reader(payload).fields(compressedPlan) as { type: number; size: number; content: Uint8Array };
  const { type, size, content } = fields;
  if (type === FrameType.compressed) throw new WireError("a compressed frame in a compressed frame");
  if (size > limit) throw new WireError(`a frame of ${size} bytes, where ${limit} are allowed`);
  if (size > content.length * maxRatio) throw new WireError(`${content.length} bytes that unfold to ${size}`);
  const unfolded = unfold(content, size);
  if (unfolded?.length !== size) throw new WireError("compressed bytes do not unfold to what they should");
  return { type, payload: unfolded };
}

/** @returns undefined when the bytes are not zstd's, or unfold to more than `size`. */
function unfold(content: Uint8Array, size: number): Uint8Array | undefined {
  // Most processes never need it, and loading it takes time. Bun's own function has no bound.
  const { zstdDecompressSync, constants } = process.getBuiltinModule("node:zlib");
  const params = { [constants.ZSTD_d_windowLogMax]: maxWindowLog };
  try {
    return zstdDecompressSync(content, { maxOutputLength: size, chunkSize: Math.max(size, 64), params });
  } catch {
    return undefined;
  }
}
