import { type Body, emptyBody } from "../base/body.ts";
import { Memo } from "../base/memo.ts";
import type { Call } from "./calls.ts";
import { alignUp, bodyLengthAt, FieldCode, fieldsLengthAt, fixedHeader, serialAt, setUint32 } from "./layout.ts";
import { badName, checkLength, encodeHeader, type Message, MessageFlag, MessageType } from "./message.ts";
import { isBusName } from "./syntax.ts";

// Headers that are made once and serve many messages: only numbers differ, and these are always at the same places.

/** How many callers a connection has headers of replies for, and how many objects headers of calls. */
const maxKept = 256;

/** The header of a signal to all who listen, for stampHeader and addressHeader. @throws Failure InvalidArgs as encodeHeader does. */
export function signalHeader(
  signal: Pick<Message, "path" | "interface" | "member"> & { readonly signature: string },
): Uint8Array {
  const { signature, ...fields } = signal;
  const shape = { type: MessageType.signal, flags: MessageFlag.noReplyExpected, serial: 0, ...fields };
  return encodeHeader({ ...shape, body: { ...emptyBody, signature } });
}

/**
 * The header of messages to `destination`, for stampHeader, out of one that is to nobody. Fields begin at 8 bytes and have no
 * order, so that another one is put where the header with its padding ends.
 * @throws Failure InvalidArgs for a name that is not valid.
 */
export function addressHeader(header: Uint8Array, destination: string): Uint8Array {
  if (!isBusName(destination)) throw badName(destination, "destination");
  const textAt = header.length + 8;
  const end = textAt + destination.length + 1;
  const bytes = new Uint8Array(alignUp(end, 8));
  bytes.set(header);
  bytes.set(destinationField, header.length);
  setUint32(bytes, fieldsLengthAt, end - fixedHeader);
  setUint32(bytes, textAt - 4, destination.length);
  for (let index = 0; index < destination.length; index++) bytes[textAt + index] = destination.charCodeAt(index);
  return bytes;
}

/** The number of the field, and the signature of its value. */
const destinationField = [FieldCode.destination, 1, "s".charCodeAt(0), 0];

/** Makes a header that of the next message. @throws Failure LimitsExceeded for a message over maxMessage. */
export function stampHeader(header: Uint8Array, serial: number, bodyLength: number): void {
  checkLength(header.length, bodyLength);
  setUint32(header, bodyLengthAt, bodyLength);
  setUint32(header, serialAt, serial);
}

/** What a call asks of its receiver. @param interactive as in OpenOptions. */
export function callFlags({ noReply, noAutoStart }: Call, interactive: boolean): number {
  const flags = (noReply ? MessageFlag.noReplyExpected : 0) | (noAutoStart ? MessageFlag.noAutoStart : 0);
  return flags | (interactive ? MessageFlag.allowInteractiveAuthorization : 0);
}

type Called = Pick<Message, "destination" | "path" | "interface" | "member" | "flags"> & { readonly signature: string };

interface CallHeader {
  readonly called: Called;
  readonly bytes: Uint8Array;
  /** The one that was made before it. */
  readonly other: Omit<CallHeader, "other"> | undefined;
}

/**
 * The headers of the last calls, by the paths of the objects called, two for each: of these the same is asked again and again,
 * or what is started is stopped.
 */
export class CallHeaders {
  readonly #byPath = new Memo<CallHeader>(maxKept);

  /** The header of a call, for stampHeader; valid until the next one is asked for. @throws Failure InvalidArgs as encodeHeader does. */
  get(called: Called): Uint8Array {
    const before = this.#byPath.get(called.path);
    if (before && isSame(before.called, called)) return before.bytes;
    if (before?.other && isSame(before.other.called, called)) return before.other.bytes;
    const shape = { ...called, type: MessageType.methodCall, serial: 0 };
    const bytes = encodeHeader({ ...shape, body: { ...emptyBody, signature: called.signature } });
    const other = before && { called: before.called, bytes: before.bytes };
    return this.#byPath.keep(called.path, { called, bytes, other }).bytes;
  }
}

function isSame(one: Called, other: Called): boolean {
  return (
    one.member === other.member &&
    one.interface === other.interface &&
    one.signature === other.signature &&
    one.destination === other.destination &&
    one.flags === other.flags
  );
}

interface ReplyHeader {
  readonly signature: string;
  readonly bytes: Uint8Array;
  /** Where the serial of the call is. */
  readonly callAt: number;
}

/** The headers of replies to those who have called last: who asks mostly does so again, and gets what is of the same type. */
export class ReplyHeaders {
  readonly #byCaller = new Memo<ReplyHeader>(maxKept);

  /**
   * The header of a reply, valid until the next one is asked for.
   * @param caller "" peer to peer.
   * @throws Failure LimitsExceeded, InvalidArgs as encodeHeader does.
   */
  get(caller: string, { serial, call, body }: { serial: number; call: number; body: Body }): Uint8Array {
    let header = this.#byCaller.get(caller);
    if (header?.signature !== body.signature) header = this.#make(caller, body.signature);
    stampHeader(header.bytes, serial, body.bytes.length);
    setUint32(header.bytes, header.callAt, call);
    return header.bytes;
  }

  #make(destination: string, signature: string): ReplyHeader {
    const shape = { type: MessageType.methodReturn, flags: MessageFlag.noReplyExpected, serial: 0 };
    const bytes = encodeHeader({ ...shape, destination, replySerial: 1, body: { ...emptyBody, signature } });
    // The fields are in the order of their names in encodeHeader: only the destination is before it.
    const fieldAt = destination === "" ? fixedHeader : alignUp(fixedHeader + 8 + destination.length + 1, 8);
    return this.#byCaller.keep(destination, { signature, bytes, callAt: fieldAt + 4 });
  }
}
