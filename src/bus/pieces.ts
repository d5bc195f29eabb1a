/** A piece grows until it has so many bytes. */
const fullSize = 256 * 1024;
/** A reply with a body of so many bytes is long. */
const longBody = 32 * 1024;

interface Piece {
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
 */
export class Pieces {
  readonly #pieces: Piece[] = [];
  #long = 0;
  /** Where long replies are put together: fresh memory takes longer than the copy. */
  #scratch = Buffer.allocUnsafeSlow(0);

  /** How many long replies wait. */
  get long(): number {
    return this.#long;
  }

  /** @param replyTo who gets it, "" peer to peer, when it is a reply. */
  put(header: Uint8Array, body: Uint8Array, replyTo?: string): void {
    const size = header.length + body.length;
    const long = replyTo !== undefined && body.length >= longBody;
    if (long) {
      this.#pieces.push({ parts: [header, body], size, to: replyTo, patience: size });
      this.#long++;
      return;
    }
    const at = replyTo === undefined || this.#long === 0 ? this.#pieces.length : this.#past(replyTo, size);
    let piece = this.#pieces[at - 1];
    if (!piece || piece.to !== undefined || piece.size >= fullSize) {
      piece = { parts: [], size: 0, to: undefined, patience: 0 };
      if (at === this.#pieces.length) this.#pieces.push(piece);
      else this.#pieces.splice(at, 0, piece);
    }
    piece.parts.push(header, body);
    piece.size += size;
  }

  /** Takes what is to be written next, in as many writes; undefined when nothing waits. Valid until more is taken. */
  take(): Uint8Array[] | undefined {
    const piece = this.#pieces.shift();
    if (!piece) return undefined;
    if (piece.to !== undefined) this.#long--;
    // To copy a body of such a length beside its header takes longer than a write of its own.
    if (piece.parts.length === 2 && piece.size >= fullSize) return piece.parts;
    return [piece.to === undefined ? Buffer.concat(piece.parts) : this.#join(piece)];
  }

  #join({ parts, size }: Piece): Uint8Array {
    if (this.#scratch.length < size) this.#scratch = Buffer.allocUnsafeSlow(fullSize);
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
