import { alignUp, getUint32 } from "./layout.ts";

/** Whether a signal is of any use. */
export type Wants = (path: string, member: string) => boolean;

/** Bytes of any kind can be read as a Buffer's. */
const toText = Buffer.prototype.toString;

// What a message begins with (D-Bus specification, "Message Format"): little-endian, a signal; where its fields are.
const little = 0x6c;
const signal = 4;
const fieldsLengthAt = 12;
const fieldsAt = 16;
const pathField = 1;
const memberField = 3;
const textTypes = new Set([..."so"].map((letter) => letter.charCodeAt(0)));

/**
 * Whether a message whose header has arrived is no signal, or one that is wanted. Of the header no more is read than that
 * takes: nearly everybody says path and member first. Where these are not found, as in a big-endian message, it is wanted.
 * @param start where it begins.
 */
export function isWanted(bytes: Uint8Array, start: number, wants: Wants): boolean {
  if (bytes[start] !== little || bytes[start + 1] !== signal) return true;
  const end = Math.min(start + fieldsAt + getUint32(bytes, start + fieldsLengthAt, true), bytes.length);
  let path: string | undefined;
  let at = start + fieldsAt;
  while (at + 8 < end) {
    const field = bytes[at];
    // It is a number, the signature of the value, which for texts is one letter, and the value.
    if (bytes[at + 1] !== 1 || !textTypes.has(bytes[at + 2] as number)) return true;
    const textAt = at + 8;
    const textEnd = textAt + getUint32(bytes, at + 4, true);
    if (textEnd >= end) return true;
    if (field === pathField) path = toText.call(bytes, "latin1", textAt, textEnd);
    if (field === memberField && path !== undefined) return wants(path, toText.call(bytes, "latin1", textAt, textEnd));
    at = start + alignUp(textEnd + 1 - start, 8);
  }
  return true;
}
