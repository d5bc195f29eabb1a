import type { Type } from "../base/signature.ts";

// How values lie in a message (D-Bus specification, "Marshalling").

/** How many bytes of a header are before its fields, and where in these the numbers are. */
export const fixedHeader = 16;
export const bodyLengthAt = 4;
export const serialAt = 8;
export const fieldsLengthAt = 12;

/** The fields of a header, by number. */
export const FieldCode = {
  path: 1,
  interface: 2,
  member: 3,
  errorName: 4,
  replySerial: 5,
  destination: 6,
  sender: 7,
  signature: 8,
} as const;

/** The most bytes that the elements of one array may take. */
export const maxArray = 64 * 1024 * 1024;
/** How deep containers of all kinds, variants among them, may nest in a message. */
export const maxDepth = 64;

/** The boundary, in bytes, that values of a type begin at. */
export function alignment(type: Type): 1 | 2 | 4 | 8 {
  switch (type.code) {
    case "y":
    case "g":
    case "v":
      return 1;
    case "n":
    case "q":
      return 2;
    case "b":
    case "i":
    case "u":
    case "s":
    case "o":
    case "h":
    case "a":
      return 4;
    case "x":
    case "t":
    case "d":
    case "(":
    case "{":
      return 8;
  }
}

/** The first offset, from `offset` on, that lies on a boundary. */
export function alignUp(offset: number, boundary: number): number {
  return (offset + boundary - 1) & -boundary;
}

/** Types are parsed once and kept for as long as they are used, and so are these. */
const printed = new WeakMap<Type, string>();

/** The signature that a type was parsed from. */
export function printType(type: Type): string {
  const before = printed.get(type);
  if (before !== undefined) return before;
  const signature = print(type);
  printed.set(type, signature);
  return signature;
}

function print(type: Type): string {
  switch (type.code) {
    case "a":
      return `a${printType(type.element)}`;
    case "(":
      return `(${type.fields.map(printType).join("")})`;
    case "{":
      return `{${printType(type.key)}${printType(type.value)}}`;
    default:
      return type.code;
  }
}

// A view of young bytes makes the runtime move them, which takes longer than all that is done to most messages.

export function getUint32(bytes: Uint8Array, at: number, little: boolean): number {
  const first = little ? at : at + 3;
  const step = little ? 1 : -1;
  const low = (bytes[first] as number) | ((bytes[first + step] as number) << 8);
  const high = (bytes[first + 2 * step] as number) | ((bytes[first + 3 * step] as number) << 8);
  return (low | (high << 16)) >>> 0;
}

export function setUint32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value;
  bytes[at + 1] = value >>> 8;
  bytes[at + 2] = value >>> 16;
  bytes[at + 3] = value >>> 24;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
