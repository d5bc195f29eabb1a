import { type Body, emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { alignUp, getUint32 } from "./layout.ts";
import { Writer } from "./marshal.ts";
import { isBusName, isInterfaceName, isMemberName, isObjectPath } from "./syntax.ts";
import { fromBigEndian, malformed, parsing, Reader } from "./unmarshal.ts";
import { isWanted, type Wants } from "./wanted.ts";

/** The longest message sent or taken, in bytes; nothing of ours comes near this. */
const maxMessage = 32 * 1024 * 1024;
/** The longest that there can be (D-Bus specification, "Message Format"). */
const maxFrame = 128 * 1024 * 1024;

export const MessageType = { methodCall: 1, methodReturn: 2, error: 3, signal: 4 } as const;
export const MessageFlag = { noReplyExpected: 1, noAutoStart: 2, allowInteractiveAuthorization: 4 } as const;

/** A message (D-Bus specification, "Message Format"); texts that are left out in the header are "", numbers 0. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly serial: number;
  readonly replySerial: number;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly errorName: string;
  readonly destination: string;
  readonly sender: string;
  readonly body: Body;
  /** Why the message cannot be understood, in which case there is no body; what is in the header may be missing, too. */
  readonly trouble: Failure | undefined;
}

/** The header fields that are texts: what number stands for each, its type, and what makes it valid. */
const textFields = [
  ["path", 1, "o", isObjectPath],
  ["interface", 2, "s", isInterfaceName],
  ["member", 3, "s", isMemberName],
  ["errorName", 4, "s", isInterfaceName],
  ["destination", 6, "s", isBusName],
  ["sender", 7, "s", isBusName],
] as const;
const replySerialField = 5;
const signatureField = 8;

const fieldName = new Map<number, (typeof textFields)[number][0]>(textFields.map(([name, code]) => [code, name]));

/**
 * The bytes of the header, padded, after which those of the body follow.
 * @throws Failure InvalidArgs for a name or path that is not valid, LimitsExceeded for a message over maxMessage.
 */
export function encodeHeader(
  message: Partial<Message> & { readonly type: number; readonly serial: number },
): Uint8Array {
  const body = message.body ?? emptyBody;
  const writer = new Writer();
  writer.byte(0x6c); // l: little-endian
  writer.byte(message.type);
  writer.byte(message.flags ?? 0);
  writer.byte(1); // the version of the protocol
  writer.uint32(body.bytes.length);
  writer.uint32(message.serial);
  const fields = writer.beginArray(8);
  for (const [name, code, signature, valid] of textFields) {
    const text = message[name];
    if (!text) continue;
    if (!valid(text)) throw badName(text, name);
    beginField(writer, code, signature);
    writer.text(text);
  }
  if (message.replySerial) {
    beginField(writer, replySerialField, "u");
    writer.uint32(message.replySerial);
  }
  if (body.signature !== "") {
    beginField(writer, signatureField, "g");
    writer.signature(body.signature);
  }
  writer.endArray(fields);
  writer.align(8);
  checkLength(writer.length, body.bytes.length);
  return writer.finish();
}

export function badName(text: string, what: string): Failure {
  return new Failure(ErrorName.InvalidArgs, `'${text}' is no valid ${what} of a message`);
}

/** @throws Failure LimitsExceeded for a message over maxMessage. */
export function checkLength(header: number, body: number): void {
  if (header + body > maxMessage) throw new Failure(ErrorName.LimitsExceeded, `a message of ${body} bytes is too long`);
}

function beginField(writer: Writer, code: number, signature: string): void {
  writer.align(8);
  writer.byte(code);
  writer.signature(signature);
}

/** What each header begins with, before its fields. */
export const fixedHeader = 16;

/**
 * Cuts what arrives into messages. Holds at most one incomplete message; of one that is longer than maxMessage only the
 * header, and what follows that is counted and forgotten.
 */
export class MessageReader {
  /** Whether a signal is of any use, by its path and its member. No more than these is read of one that is not. */
  wants: Wants | undefined;
  #chunks: Uint8Array[] = [];
  /** How much of the first one has been taken. */
  #at = 0;
  #held = 0;
  #needed = fixedHeader;
  /** How many of the bytes that come next belong to a message that was too long. */
  #excess = 0;

  push(chunk: Uint8Array): void {
    const skipped = Math.min(this.#excess, chunk.length);
    this.#excess -= skipped;
    if (skipped === chunk.length) return;
    this.#chunks.push(skipped === 0 ? chunk : chunk.subarray(skipped));
    this.#held += chunk.length - skipped;
  }

  /**
   * The next message, undefined when it has not arrived in full. Trouble inside of a message is part of what is returned.
   * @throws Failure InconsistentMessage when what arrives is no D-Bus: nothing that follows can be understood.
   */
  next(): Message | undefined {
    let message: Message | undefined;
    while (!message && this.#held >= this.#needed) {
      const bytes = this.#join();
      const { header, whole } = measure(bytes, this.#at);
      this.#needed = whole > maxMessage ? Math.min(header, maxMessage) : whole;
      if (this.#held < this.#needed) return undefined;
      if (!this.wants || isWanted(bytes, this.#at, this.wants))
        message = decodeMessage(bytes.subarray(this.#at, this.#at + this.#needed));
      this.#advance(whole);
    }
    return message;
  }

  /** Leaves a message of this length behind. */
  #advance(whole: number): void {
    const end = this.#at + this.#needed;
    this.#excess = whole - this.#needed;
    this.#held -= this.#needed;
    this.#at = end;
    this.#needed = fixedHeader;
    if (this.#excess > 0 || this.#held === 0) this.#restart();
  }

  /** All that is held in one piece. Called once for a header and once for a whole message: long ones stay cheap. */
  #join(): Uint8Array {
    const [first] = this.#chunks;
    if (first && this.#chunks.length === 1) return first;
    if (first && this.#at > 0) this.#chunks[0] = first.subarray(this.#at);
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    this.#at = 0;
    return joined;
  }

  /** Begins anew with what is left. */
  #restart(): void {
    const rest = this.#held === 0 ? undefined : this.#join().subarray(this.#at);
    this.#chunks = [];
    this.#at = 0;
    this.#held = 0;
    if (rest) this.push(rest);
  }
}

function isLittle(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0x6c && bytes[at] !== 0x42) throw malformed("it has no known byte order");
  return bytes[at] === 0x6c;
}

/** How many bytes the message takes of which the first 16 are there, and how many of them the header with its padding. */
function measure(bytes: Uint8Array, at: number): { readonly header: number; readonly whole: number } {
  const little = isLittle(bytes, at);
  if (bytes[at + 3] !== 1) throw malformed("it has an unknown protocol version");
  const bodyLength = getUint32(bytes, at + 4, little);
  const header = fixedHeader + alignUp(Math.min(getUint32(bytes, at + 12, little), maxFrame), 8);
  const whole = header + bodyLength;
  if (whole > maxFrame) throw malformed("it is longer than 128 MiB");
  return { header, whole };
}

function decodeMessage(bytes: Uint8Array): Message {
  const little = isLittle(bytes, 0);
  const reader = new Reader(bytes, little);
  reader.byte();
  const message = {
    type: reader.byte(),
    flags: reader.byte(),
    serial: 0,
    replySerial: 0,
    path: "",
    interface: "",
    member: "",
    errorName: "",
    destination: "",
    sender: "",
    body: emptyBody,
    trouble: undefined as Failure | undefined,
  };
  reader.byte();
  const bodyLength = reader.uint32();
  message.serial = reader.uint32();
  try {
    const signature = readFields(reader, message);
    reader.align(8);
    if (reader.at + bodyLength > maxMessage)
      throw new Failure(ErrorName.LimitsExceeded, "a message is longer than 32 MiB");
    if (reader.left !== bodyLength) throw malformed("its header crosses into its body");
    const rest = bytes.subarray(reader.at);
    // A copy: a body that is kept must not keep all that arrived together with it. One that is most of that may.
    const most = rest.length * 2 > bytes.buffer.byteLength;
    const body = { signature, bytes: most ? rest : new Uint8Array(rest) };
    if (bodyLength > 0 || signature !== "") message.body = little ? body : fromBigEndian(body);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    message.trouble = error;
  }
  return message;
}

/** Reads the header fields into `message`. @returns the signature of the body. */
function readFields(reader: Reader, message: { -readonly [Name in keyof Message]: Message[Name] }): string {
  let signature = "";
  const end = reader.uint32() + fixedHeader;
  while (reader.at < end) {
    reader.align(8);
    const code = reader.byte();
    const { signature: type, value } = parsing(() => reader.variant());
    const name = fieldName.get(code);
    if (name && typeof value === "string") message[name] = value;
    else if (code === replySerialField && typeof value === "number") message.replySerial = value;
    else if (code === signatureField && type === "g") signature = String(value);
  }
  return signature;
}
