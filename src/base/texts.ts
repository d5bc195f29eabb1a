/** Bytes of any kind can be read as a Buffer's. */
const toText = Buffer.prototype.toString;

/** Longer texts are not looked at byte by byte: a call of the runtime takes less time then. */
const maxText = 128;

/** Texts that came lately, each where its bytes put it: names of units and interfaces, states. */
const lately: string[] = new Array(1024).fill("");

/**
 * The text that some bytes are when it is short and ASCII without NUL, as nearly all are. One that has come lately is not made
 * again: as the same object it is found in maps in less time, too.
 * @returns undefined for any other text.
 */
export function shortText(bytes: Uint8Array, start: number, end: number): string | undefined {
  const size = end - start;
  if (size > maxText) return undefined;
  let hash = size;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === 0 || byte > 0x7f) return undefined;
    hash = (hash * 31 + byte) | 0;
  }
  const place = (hash ^ (hash >>> 10)) & 1023;
  const known = lately[place] as string;
  if (isAt(known, bytes, start, size)) return known;
  const text = toText.call(bytes, "latin1", start, end);
  lately[place] = text;
  return text;
}

/**
 * Writes a text when it is short and ASCII without NUL: that takes a fraction of a call of the runtime.
 * @returns whether it did. There has to be room for it.
 */
export function putShortText(text: string, bytes: Uint8Array, start: number): boolean {
  const size = text.length;
  if (size > maxText) return false;
  for (let index = 0; index < size; index++) {
    const code = text.charCodeAt(index);
    if (code === 0 || code > 0x7f) return false;
    bytes[start + index] = code;
  }
  return true;
}

function isAt(text: string, bytes: Uint8Array, start: number, size: number): boolean {
  if (text.length !== size) return false;
  for (let index = 0; index < size; index++) if (text.charCodeAt(index) !== bytes[start + index]) return false;
  return true;
}
