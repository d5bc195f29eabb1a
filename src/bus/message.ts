import { type Body, emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { type Header, HeaderReader, isLittle } from "./header-reader.ts";
import { alignUp, bodyLengthAt, FieldCode, fieldsLengthAt, fixedHeader, getUint32, serialAt } from "./layout.ts";
import { Writer } from "./marshal.ts";
import { isBusName, isInterfaceName, isMemberName, isObjectPath } from "./syntax.ts";
import { copyBytes, fromBigEndian, malformed } from "./unmarshal.ts";

/** The longest message sent or taken, in bytes; nothing of ours comes near this. */
const maxMessage = 32 * 1024 * 1024;
/** The longest that there can be (D-Bus specification, "Message Format"). */
const maxFrame = 128 * 1024 * 1024;

export const MessageType = { methodCall: 1, methodReturn: 2, error: 3, signal: 4 } as const;
export const MessageFlag = { noReplyExpected: 1, noAutoStart: 2, allowInteractiveAuthorization: 4 } as const;

/** Whether a signal is of any use. */
export type Wants = (path: string, member: string) => boolean;

/** What a header says of its message; texts that are left out are "", numbers 0. */
type Said = Omit<Header, "signature" | "replySerialAt" | "oddReplySerial" | "end" | "trouble">;

/** A message (D-Bus specification, "Message Format"). */
export interface Message extends Said {
  readonly serial: number;
  readonly replySerial: number;
  readonly body: Body;
  /** Why the message cannot be understood, in which case there is no body; what is in the header may be missing, too. */
  readonly trouble: Failure | undefined;
}

/** The header fields that are texts, the type of each, and what makes it valid. */
const textFields = [
  ["path", "o", isObjectPath],
  ["interface", "s", isInterfaceName],
  ["member", "s", isMemberName],
  ["errorName", "s", isInterfaceName],
  ["destination", "s", isBusName],
  ["sender", "s", isBusName],
] as const;

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
  for (const [name, signature, valid] of textFields) {
    const text = message[name];
    if (!text) continue;
    if (!valid(text)) throw badName(text, name);
    beginField(writer, FieldCode[name], signature);
    writer.text(text);
  }
  if (message.replySerial) {
    beginField(writer, FieldCode.replySerial, "u");
    writer.uint32(message.replySerial);
  }
  if (body.signature !== "") {
    beginField(writer, FieldCode.signature, "g");
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

/**
 * Cuts what arrives into messages. Holds at most one incomplete message; of one that is longer than maxMessage only the
 * header, and what follows that is counted and forgotten.
 */
export class MessageReader {
  /** Whether a signal is of any use, by its path and its member. Of one that is not the body is not read. */
  wants: Wants | undefined;
  readonly #headers = new HeaderReader();
  /** What has arrived, from #at on, and what has arrived since. */
  #bytes = emptyBody.bytes;
  #at = 0;
  #more: Uint8Array[] = [];
  #held = 0;
  #needed = fixedHeader;
  /** How many of the bytes that come next belong to a message that was too long. */
  #excess = 0;

  push(chunk: Uint8Array): void {
    const skipped = Math.min(this.#excess, chunk.length);
    this.#excess -= skipped;
    if (skipped === chunk.length) return;
    const rest = skipped === 0 ? chunk : chunk.subarray(skipped);
    if (this.#held === 0) {
      this.#bytes = rest;
      this.#at = 0;
    } else {
      this.#more.push(rest);
    }
    this.#held += rest.length;
  }

  /**
   * The next message, undefined when it has not arrived in full. Trouble inside of a message is part of what is returned.
   * @throws Failure InconsistentMessage when what arrives is no D-Bus: nothing that follows can be understood.
   */
  next(): Message | undefined {
    let message: Message | undefined;
    while (!message && this.#held >= this.#needed) {
      const bytes = this.#join();
      const header = headerLength(bytes, this.#at);
      const whole = header + getUint32(bytes, this.#at + bodyLengthAt, isLittle(bytes, this.#at));
      this.#needed = whole > maxMessage ? Math.min(header, maxMessage) : whole;
      if (this.#held < this.#needed) return undefined;
      message = this.#read(bytes, header);
      this.#advance(whole);
    }
    return message;
  }

  /** The message that is next, undefined when it is a signal that is not wanted. */
  #read(bytes: Uint8Array, length: number): Message | undefined {
    const start = this.#at;
    const end = start + this.#needed;
    const header = this.#headers.read(bytes, start, length, end);
    const { type, path, member, replySerialAt } = header;
    if (type === MessageType.signal && path !== "" && member !== "" && this.wants?.(path, member) === false)
      return undefined;
    const little = isLittle(bytes, start);
    const message = {
      type,
      flags: header.flags,
      serial: getUint32(bytes, start + serialAt, little),
      replySerial: replySerialAt > 0 ? getUint32(bytes, start + replySerialAt, little) : header.oddReplySerial,
      path,
      interface: header.interface,
      member,
      errorName: header.errorName,
      destination: header.destination,
      sender: header.sender,
      body: emptyBody,
      trouble: undefined as Failure | undefined,
    };
    try {
      message.body = readBody(bytes, start, end, header);
    } catch (error) {
      if (!(error instanceof Failure)) throw error;
      message.trouble = error;
    }
    return message;
  }

  /** Leaves a message of this length behind. */
  #advance(whole: number): void {
    this.#excess = whole - this.#needed;
    this.#held -= this.#needed;
    this.#at += this.#needed;
    this.#needed = fixedHeader;
    if (this.#excess === 0 && this.#held > 0) return;
    // Begins anew with what is left.
    const rest = this.#held === 0 ? emptyBody.bytes : this.#join().subarray(this.#at);
    this.#bytes = emptyBody.bytes;
    this.#held = 0;
    this.push(rest);
  }

  /** All that is held in one piece. Called once for a header and once for a whole message: long ones stay cheap. */
  #join(): Uint8Array {
    if (this.#more.length === 0) return this.#bytes;
    this.#bytes = Buffer.concat([this.#bytes.subarray(this.#at), ...this.#more]);
    this.#at = 0;
    this.#more = [];
    return this.#bytes;
  }
}

/** How many bytes the header takes, with its padding, of the message of which the first 16 are there. */
function headerLength(bytes: Uint8Array, at: number): number {
  const little = isLittle(bytes, at);
  if (bytes[at + 3] !== 1) throw malformed("it has an unknown protocol version");
  const length = fixedHeader + alignUp(Math.min(getUint32(bytes, at + fieldsLengthAt, little), maxFrame), 8);
  if (length + getUint32(bytes, at + bodyLengthAt, little) > maxFrame) throw malformed("it is longer than 128 MiB");
  return length;
}

/** A body of so many bytes is left where it is, when that is most of what arrived. */
const longBody = 16 * 1024;

/** The body of the message from `start` to `end`. */
function readBody(bytes: Uint8Array, start: number, end: number, header: Header): Body {
  if (header.trouble) throw header.trouble;
  const little = isLittle(bytes, start);
  const length = getUint32(bytes, start + bodyLengthAt, little);
  if (header.end + length > maxMessage) throw new Failure(ErrorName.LimitsExceeded, "a message is longer than 32 MiB");
  if (start + header.end + length !== end) throw malformed("its header crosses into its body");
  const { signature } = header;
  if (length === 0 && signature === "") return emptyBody;
  // A copy: a body that is kept must not keep all that arrived together with it. (To ask how much that is takes longer than to
  // copy a short one.)
  const most = length >= longBody && length * 2 > bytes.buffer.byteLength;
  const body = { signature, bytes: most ? bytes.subarray(end - length, end) : copyBytes(bytes, end - length, end) };
  return little ? body : fromBigEndian(body);
}
