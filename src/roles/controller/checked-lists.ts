import type { Body } from "../../base/body.ts";
import { Recent } from "../../base/recent.ts";
import { checkedBody } from "./hearsay.ts";

/** Bytes that are kept in all. */
const maxKept = 4 * 1024 * 1024;
/** What is shorter is soon looked at. */
const leastKept = 4096;

/**
 * Lists that nodes have answered. Most are what the node answered last, byte for byte. Such a one has been looked at, which
 * takes as long as all else that is done with it, and what was made of it is good still.
 */
export class CheckedLists {
  /** The latest answers, by their questions and nodes. */
  readonly #kept = new Recent<string, Body>(maxKept);

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#kept.bytes;
  }

  /** As checkedBody. @returns the very same body for a list that comes a third time or more. */
  checked(question: string, answer: Body, signature: string, node: string): Body {
    if (answer.bytes.length < leastKept) return checkedBody(answer, signature, node);
    const key = `${question} ${node}`;
    const last = this.#kept.get(key);
    if (last && areSame(last, answer)) return last;
    const body = checkedBody(answer, signature, node);
    // What a view lies in is kept with it.
    this.#kept.setAgain(key, body, body.bytes.buffer.byteLength, Bun.hash.crc32(body.bytes));
    return body;
  }
}

function areSame(one: Body, other: Body): boolean {
  return one.signature === other.signature && Buffer.compare(one.bytes, other.bytes) === 0;
}
