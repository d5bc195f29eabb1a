import type { Body } from "../../../base/body.ts";
import { encodeBody } from "../../../bus/marshal.ts";

/** A longer answer is not kept. */
const maxKept = 1024 * 1024;

/** The lists of many nodes in one answer. It is kept once none of them was another one than before, as most are not. */
export class JoinedLists {
  readonly #signature: string;
  /** Those of the last answer. Nothing is kept alive for lists that change. */
  #lists: ReadonlyMap<string, WeakRef<Body>> = new Map();
  #answer: Body | undefined;

  /** @param signature of each list. */
  constructor(signature: string) {
    this.#signature = `a{s${signature}}`;
  }

  /** @param lists by the names of their nodes. A list that is the very same body as before has the same bytes. */
  joined(lists: ReadonlyMap<string, Body>): Body {
    const same = areSame(lists, this.#lists);
    if (same && this.#answer) return this.#answer;
    const answer = encodeBody(this.#signature, [lists]);
    this.#answer = same && answer.bytes.length <= maxKept ? answer : undefined;
    if (!same) this.#lists = new Map([...lists].map(([name, list]) => [name, new WeakRef(list)]));
    return answer;
  }
}

/** Whether these are the same lists of the same nodes in the same order. */
function areSame(lists: ReadonlyMap<string, Body>, others: ReadonlyMap<string, WeakRef<Body>>): boolean {
  if (lists.size !== others.size) return false;
  const left = others.entries();
  for (const [name, list] of lists) {
    const [otherName, otherList] = left.next().value ?? [];
    if (name !== otherName || list !== otherList?.deref()) return false;
  }
  return true;
}
