import type { Body } from "../../../base/body.ts";
import { encodeBody } from "../../../bus/marshal.ts";

/** A longer answer is not kept. */
const maxKept = 1024 * 1024;

/** The lists of many nodes in one answer. It is kept, as most times none of them is another one than before. */
export class JoinedLists {
  readonly #signature: string;
  #lists: ReadonlyMap<string, Body> = new Map();
  #answer: Body | undefined;

  /** @param signature of each list. */
  constructor(signature: string) {
    this.#signature = `a{s${signature}}`;
  }

  /** @param lists by the names of their nodes. A list that is the very same body as before has the same bytes. */
  joined(lists: ReadonlyMap<string, Body>): Body {
    if (this.#answer && areSame(lists, this.#lists)) return this.#answer;
    const answer = encodeBody(this.#signature, [lists]);
    const kept = answer.bytes.length <= maxKept;
    this.#answer = kept ? answer : undefined;
    this.#lists = kept ? lists : new Map();
    return answer;
  }
}

/** Whether these are the same lists of the same nodes in the same order. */
function areSame(lists: ReadonlyMap<string, Body>, others: ReadonlyMap<string, Body>): boolean {
  if (lists.size !== others.size) return false;
  const left = others.entries();
  for (const [name, list] of lists) {
    const [otherName, otherList] = left.next().value ?? [];
    if (name !== otherName || list !== otherList) return false;
  }
  return true;
}
