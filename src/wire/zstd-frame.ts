// What is looked at by hand of zstd frames (RFC 8878, 3.1.1).

const magic = 0xfd2fb528;
/** Magic, descriptor, window, content size and the header of a block. */
const shortestFrame = 13;
const blockHeader = 3;
/** In the descriptor: that there is no byte for the window, and that the content size has four bytes. */
const singleSegment = 0x20;
const longSize = 0x80;

/** Where the content size is. */
function sizeAt(frame: Uint8Array): number {
  return ((frame[4] ?? 0) & singleSegment) !== 0 ? 5 : 6;
}

/** Where the first block is. Its content size has two bytes or four. */
function blocksAt(frame: Uint8Array): number {
  return sizeAt(frame) + 2 * ((frame[4] ?? 0) >> 6);
}

/**
 * Whether bytes are one zstd frame alone that says itself to unfold to `size`: Bun's function then takes that much memory and
 * no more. (Of node:zlib's, which takes a bound, each call costs twice as much.)
 */
export function announces(frame: Uint8Array, size: number): boolean {
  if (frame.length < shortestFrame) return false;
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength);
  const descriptor = view.getUint8(4);
  // No checksum and no dictionary follow.
  if (view.getUint32(0, true) !== magic || (descriptor & 0x1f) !== 0) return false;
  const width = descriptor >> 6;
  const found =
    width === 1 ? view.getUint16(sizeAt(frame), true) + 256 : width === 2 && view.getUint32(sizeAt(frame), true);
  if (found !== size) return false;
  let at = blocksAt(frame);
  for (let last = false; !last; ) {
    if (at + blockHeader > frame.length) return false;
    const header = view.getUint16(at, true) | (view.getUint8(at + 2) << 16);
    last = (header & 1) !== 0;
    // A block of type 1 is one byte, to be repeated.
    at += blockHeader + (((header >> 1) & 3) === 1 ? 1 : header >> 3);
  }
  return at === frame.length;
}

/**
 * The frame that unfolds to a few bytes, and then to the `size` bytes that another one unfolds to. They are a block of their own in
 * front of its blocks, which stay as they are: these do not refer to what is before them.
 */
export function headed(head: Uint8Array, frame: Uint8Array, size: number): Uint8Array {
  const at = sizeAt(frame);
  const blocks = frame.subarray(blocksAt(frame));
  const made = new Uint8Array(at + 4 + blockHeader + head.length + blocks.length);
  made.set(frame.subarray(0, at));
  made[4] = ((made[4] ?? 0) & 0x3f) | longSize;
  new DataView(made.buffer).setUint32(at, head.length + size, true);
  made[at + 4] = head.length << 3;
  made.set(head, at + 4 + blockHeader);
  made.set(blocks, at + 4 + blockHeader + head.length);
  return made;
}

/** The first bytes that a frame unfolds to, where they lie, when they are a short block of their own; else none. */
export function headOf(frame: Uint8Array): Uint8Array {
  const at = blocksAt(frame);
  const header = frame[at] ?? 0;
  // Neither the last block, nor a compressed one, nor one of more than 31 bytes.
  const short = (header & 7) === 0 && frame[at + 1] === 0 && frame[at + 2] === 0;
  return frame.subarray(at + blockHeader, at + blockHeader + (short ? header >> 3 : 0));
}
