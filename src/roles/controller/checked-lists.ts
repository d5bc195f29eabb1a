import type { Body } from "../../base/body.ts";
import { checkedBody } from "./hearsay.ts";

/** Bytes that are kept in all. Beyond these the lists go that were asked for the longest ago. */
const maxKept = 4 * 1024 * 1024;
/** What is shorter is soon looked at. */
const leastKept = 4096;

/**
 * Lists that nodes have answered. Most are what the node answered last, byte for byte. Such a one has been looked at, which
 * takes as long as all else that is done with it, and what was made of it is good still.
 */
export class CheckedLists {
  /** The latest answer to each question, in the order in which they were asked last. */
  readonly #kept = new Map<string, Body>();
  #bytes = 0;

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  /** As checkedBody. @returns the very same body as for the node's last answer to that question, when nothing has changed. */
  checked(question: string, answer: Body, signature: string, node: string): Body {
    if (answer.bytes.length < leastKept) return checkedBody(answer, signature, node);
    const key = `${question} ${node}`;
    const last = this.#kept.get(key);
    if (last) this.#drop(key, last);
    const body = last && areSame(last, answer) ? last : checkedBody(answer, signature, node);
    this.#keep(key, body);
    return body;
  }

  #keep(key: string, body: Body): void {
    this.#kept.set(key, body);
    this.#bytes += weight(body);
    for (const [oldest, list] of this.#kept) {
      if (this.#bytes <= maxKept) break;
      this.#drop(oldest, list);
    }
  }

  #drop(key: string, body: Body): void {
    this.#kept.delete(key);
    this.#bytes -= weight(body);
  }
}

function areSame(one: Body, other: Body): boolean {
  return one.signature === other.signature && Buffer.compare(one.bytes, other.bytes) === 0;
}

/** How much memory a body keeps from being used again. */
function weight({ bytes }: Body): number {
  return bytes.buffer.byteLength;
}
