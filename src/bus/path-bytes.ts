const slash = 0x2f;
/** 1 for the bytes that the names in an object path are made of. */
const inPath = new Uint8Array(256);
const letters = Buffer.from("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_");
for (const letter of letters) inPath[letter] = 1;

/** What two bytes of an object path are, by both as one number: 0 when they cannot follow one another there, else these bits. */
let pairs: Uint8Array | undefined;
const valid = 1;
const slashFirst = 2;
const slashLast = 4;

function pairsOfPaths(): Uint8Array {
  const made = new Uint8Array(0x10000);
  for (const first of letters) {
    for (const second of letters) made[first | (second << 8)] = valid;
    made[slash | (first << 8)] = valid | slashFirst;
    made[first | (slash << 8)] = valid | slashLast;
  }
  return made;
}

/**
 * Whether bytes are an object path (D-Bus specification, "Valid Object Paths").
 * @param halves the same bytes by two, when these are many.
 */
export function isPathAt(bytes: Uint8Array, halves: Uint16Array | undefined, start: number, end: number): boolean {
  const size = end - start;
  // A slash first, none after another, and none at the end but of the root's.
  const framed = bytes[start] === slash && (size === 1 || bytes[end - 1] !== slash);
  return framed && areJoined(bytes, halves, start, end);
}

/** Whether the bytes of a path may follow one another. Of many bytes these are looked at by twos. */
function areJoined(bytes: Uint8Array, halves: Uint16Array | undefined, start: number, end: number): boolean {
  let at = start;
  let last = 0;
  if (halves) {
    pairs ??= pairsOfPaths();
    let all = valid;
    let doubled = 0;
    for (const until = end >>> 1; at >>> 1 < until; at += 2) {
      const pair = pairs[halves[at >>> 1] as number] as number;
      all &= pair;
      doubled |= (last >>> 1) & pair;
      last = pair;
    }
    if (all === 0 || (doubled & slashFirst) !== 0) return false;
    last = at > start ? (bytes[at - 1] as number) : 0;
  }
  for (; at < end; at++) {
    const byte = bytes[at] as number;
    if (byte === slash ? last === slash : inPath[byte] === 0) return false;
    last = byte;
  }
  return true;
}
