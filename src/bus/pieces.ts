/** A piece has no more bytes, unless it is one message. */
const fullSize = 256 * 1024;
/** A reply with a body of so many bytes is long. */
const longBody = 32 * 1024;

/** What a room has at first; it doubles when it is needed, up to fullSize. */
const leastRoom = 4096;
/** Rooms that are made, and kept: a connection with as much to say has long been clogged (outbox.ts). */
const maxRooms = 12;

interface Piece {
  /** Where its messages are put together as they come; undefined when they are kept in parts until it leaves. */
  room: Uint8Array | undefined;
  readonly parts: Uint8Array[];
  size: number;
  /** Of a long reply: who gets it, "" peer to peer. */
  readonly to: string | undefined;
  /** How many bytes may still go past it: as many as it has itself, so that it gets there however many short ones come. */
  patience: number;
}

/**
 * Messages that wait to be written, in pieces of one write each. They leave in the order in which they came, but for replies: a
 * short one goes past long ones that others wait for, as who asks for little shall not wait until others have got much. A
 * signal passes nothing and is passed by nothing, and what one receiver gets stays in order.
 *
 * Fresh memory takes longer than a copy. So there are rooms in which short messages are put together as they come. Only those
 * that find none are kept in parts: then so many wait that it matters that they have their bodies in common.
 */
export class Pieces {
  readonly #pieces: Piece[] = [];
  #long = 0;
  readonly #rooms: Uint8Array[] = [];
  #made = 0;
  /** The room of the piece that was taken last. */
  #leaving: Uint8Array | undefined;
  /** What follows the header that was taken last. */
  #body: Uint8Array | undefined;
  /** Where what is in parts is put together. */
  #scratch = new Uint8Array(0);

  /** How many long replies wait. */
  get long(): number {
    return this.#long;
  }

  /**
   * @param header which may be changed afterwards; the body may not.
   * @param replyTo who gets it, "" peer to peer, when it is a reply.
   */
  put(header: Uint8Array, body: Uint8Array, replyTo?: string): void {
    const size = header.length + body.length;
    const long = replyTo !== undefined && body.length >= longBody;
    if (long) {
      this.#pieces.push({ room: undefined, parts: [new Uint8Array(header), body], size, to: replyTo, patience: size });
      this.#long++;
      return;
    }
    const at = replyTo === undefined || this.#long === 0 ? this.#pieces.length : this.#past(replyTo, size);
    let piece = this.#pieces[at - 1];
    if (!piece || !takes(piece, size)) {
      piece = this.#begin(size);
      if (at === this.#pieces.length) this.#pieces.push(piece);
      else this.#pieces.splice(at, 0, piece);
    }
    if (piece.room) fill(piece, piece.room, header, body);
    else piece.parts.push(new Uint8Array(header), body);
    piece.size += size;
  }

  /** Takes what is to be written next; undefined when nothing waits. Valid until more is taken. */
  take(): Uint8Array | undefined {
    const body = this.#body;
    this.#body = undefined;
    if (body) return body;
    if (this.#leaving) this.#rooms.push(this.#leaving);
    this.#leaving = undefined;
    const piece = this.#pieces.shift();
    if (!piece) return undefined;
    const { room, parts, size } = piece;
    this.#leaving = room;
    if (room) return room.subarray(0, size);
    if (piece.to !== undefined) this.#long--;
    if (size < fullSize || parts.length > 2) return this.#join(parts, size);
    // To copy a body of such a length beside its header takes longer than a write of its own.
    this.#body = parts[1];
    return parts[0];
  }

  /** A new piece for short messages, the first of which is of `size`. */
  #begin(size: number): Piece {
    return { room: size <= fullSize ? this.#emptyRoom() : undefined, parts: [], size: 0, to: undefined, patience: 0 };
  }

  #emptyRoom(): Uint8Array | undefined {
    const room = this.#rooms.pop();
    if (room || this.#made === maxRooms) return room;
    this.#made++;
    return new Uint8Array(leastRoom);
  }

  #join(parts: readonly Uint8Array[], size: number): Uint8Array {
    if (this.#scratch.length === 0) this.#scratch = new Uint8Array(fullSize);
    let at = 0;
    for (const part of parts) {
      this.#scratch.set(part, at);
      at += part.length;
    }
    return this.#scratch.subarray(0, size);
  }

  /** Where a short reply goes, past the last ones that let it. */
  #past(replyTo: string, size: number): number {
    let at = this.#pieces.length;
    for (; at > 0; at--) {
      const { to, patience } = this.#pieces[at - 1] as Piece;
      if (to === undefined || to === replyTo || patience < size) break;
    }
    for (const piece of this.#pieces.slice(at)) piece.patience -= size;
    return at;
  }
}

/** Whether a short message of `size` may be put into a piece. */
function takes(piece: Piece, size: number): boolean {
  return piece.to === undefined && piece.size + size <= fullSize;
}

function fill(piece: Piece, room: Uint8Array, header: Uint8Array, body: Uint8Array): void {
  const { size } = piece;
  const end = size + header.length + body.length;
  let where = room;
  if (end > room.length) {
    where = new Uint8Array(2 ** Math.ceil(Math.log2(end)));
    where.set(room.subarray(0, size));
    piece.room = where;
  }
  where.set(header, size);
  where.set(body, size + header.length);
}
