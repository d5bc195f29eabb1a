import { Failure } from "../base/failure.ts";
import { parseSingle } from "../base/signature.ts";
import { bodyLengthAt, FieldCode, fieldsLengthAt, fixedHeader, getUint32 } from "./layout.ts";
import { copyBytes, malformed, parsing, Reader } from "./unmarshal.ts";

/** Bytes of any kind can be compared as a Buffer's. */
const { compare } = Buffer.prototype;

/** All of a header but the serial and the length of the body; texts that are left out are "", numbers 0. */
export interface Header {
  readonly type: number;
  readonly flags: number;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly errorName: string;
  readonly destination: string;
  readonly sender: string;
  /** That of the body. */
  readonly signature: string;
  /** Where the reply serial is in the message; 0 when it has none, or one that is no uint32. */
  readonly replySerialAt: number;
  /** One that is no uint32, which is taken nevertheless. */
  readonly oddReplySerial: number;
  /** Where the body begins. */
  readonly end: number;
  /** Why the rest of the header cannot be understood. */
  readonly trouble: Failure | undefined;
}

export function isLittle(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0x6c && bytes[at] !== 0x42) throw malformed("it has no known byte order");
  return bytes[at] === 0x6c;
}

/** The header of a message. */
function decodeHeader(bytes: Uint8Array): Header {
  const header = {
    type: bytes[1] as number,
    flags: bytes[2] as number,
    path: "",
    interface: "",
    member: "",
    errorName: "",
    destination: "",
    sender: "",
    signature: "",
    replySerialAt: 0,
    oddReplySerial: 0,
    end: 0,
    trouble: undefined as Failure | undefined,
  };
  try {
    parsing(() => readFields(new Reader(bytes, isLittle(bytes, 0)), header));
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    header.trouble = error;
  }
  return header;
}

type Draft = { -readonly [Name in keyof Header]: Header[Name] };

function readFields(reader: Reader, header: Draft): void {
  reader.take(1, fieldsLengthAt);
  const end = reader.uint32() + fixedHeader;
  while (reader.at < end) {
    reader.align(8);
    const code = reader.byte();
    const type = reader.signature();
    const value = reader.value(parseSingle(type));
    if (typeof value === "string") setText(header, code, type, value);
    else if (code === FieldCode.replySerial && typeof value === "number") {
      header.replySerialAt = type === "u" ? reader.at - 4 : 0;
      header.oddReplySerial = type === "u" ? 0 : value;
    }
  }
  reader.align(8);
  header.end = reader.at;
}

function setText(header: Draft, code: number, type: string, text: string): void {
  switch (code) {
    case FieldCode.path:
      header.path = text;
      break;
    case FieldCode.interface:
      header.interface = text;
      break;
    case FieldCode.member:
      header.member = text;
      break;
    case FieldCode.errorName:
      header.errorName = text;
      break;
    case FieldCode.destination:
      header.destination = text;
      break;
    case FieldCode.sender:
      header.sender = text;
      break;
    case FieldCode.signature:
      if (type === "g") header.signature = text;
      break;
  }
}

/** How many headers are remembered at the most, a power of two, and how many bytes each may have. */
const places = 128;
const maxRemembered = 512;

interface Known {
  readonly header: Header;
  readonly bytes: Uint8Array;
}

/** Reads headers. Most are as one that came shortly before but for the numbers, and are not read again. */
export class HeaderReader {
  readonly #known: (Known | undefined)[] = [];

  /** @param length of the header, with its padding, of the message from `start` to `end`. */
  read(bytes: Uint8Array, start: number, length: number, end: number): Header {
    if (length > maxRemembered) return decodeHeader(bytes.subarray(start, end));
    const place = placeOf(bytes, start, start + length);
    // Two that belong in one place are both remembered, as calls that start something and stop it again.
    const known = this.#known[place];
    if (known && isAlike(known, bytes, start, length)) return known.header;
    const other = this.#known[place ^ 1];
    if (other && isAlike(other, bytes, start, length)) return other.header;
    const header = decodeHeader(bytes.subarray(start, end));
    if (header.end !== length) return header;
    if (known) this.#known[place ^ 1] = known;
    this.#known[place] = { header, bytes: copyBytes(bytes, start, start + length) };
    return header;
  }
}

/** Whether all bytes are the same of a header that has the same length, but for the length of the body and the serials. */
function isAlike({ header, bytes: known }: Known, bytes: Uint8Array, start: number, length: number): boolean {
  if (known.length !== length) return false;
  for (let index = 0; index < bodyLengthAt; index++) if (known[index] !== bytes[start + index]) return false;
  const { replySerialAt } = header;
  if (replySerialAt === 0) return isSame(known, bytes, start, fieldsLengthAt, known.length);
  const isBefore = isSame(known, bytes, start, fieldsLengthAt, replySerialAt);
  return isBefore && isSame(known, bytes, start, replySerialAt + 4, known.length);
}

function isSame(known: Uint8Array, bytes: Uint8Array, start: number, from: number, to: number): boolean {
  return compare.call(bytes, known, from, to, start + from, start + to) === 0;
}

/** Where a header is remembered. Headers differ at the end of the path, which nearly everybody says first, and at their own. */
function placeOf(bytes: Uint8Array, start: number, end: number): number {
  const first = start + fixedHeader;
  let hash = end - start;
  if (bytes[first] === FieldCode.path) {
    const pathEnd = Math.min(first + 8 + getUint32(bytes, first + 4, true), end);
    hash = mix(hash, bytes, Math.max(first + 8, pathEnd - 24), pathEnd);
  }
  hash = mix(hash, bytes, Math.max(first, end - 32), end);
  return (hash ^ (hash >>> 16)) & (places - 1);
}

/** FNV-1a, of two bytes at a time. */
function mix(hash: number, bytes: Uint8Array, start: number, end: number): number {
  let mixed = hash;
  for (let at = start; at < end; at += 2)
    mixed = Math.imul(mixed ^ (bytes[at] as number) ^ ((bytes[at + 1] as number) << 8), 0x01000193);
  return mixed;
}
