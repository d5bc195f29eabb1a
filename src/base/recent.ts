/** The most keys of which it is known what came last. */
const maxLikenesses = 16_384;

/** What was used last of what takes long to make. Bound: `limit` bytes in all; beyond them goes what was not used for the longest. */
export class Recent<Key, Value> {
  readonly #limit: number;
  /** In the order of their last use. */
  readonly #kept = new Map<Key, { readonly value: Value; readonly bytes: number }>();
  /** Of the values that came last. */
  readonly #likeness = new Map<Key, number>();
  #bytes = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** How many bytes are kept. */
  get bytes(): number {
    return this.#bytes;
  }

  get(key: Key): Value | undefined {
    const found = this.#kept.get(key);
    if (!found) return undefined;
    this.#kept.delete(key);
    this.#kept.set(key, found);
    return found.value;
  }

  /** Keeps a value, in place of the one that the key had. @param bytes of memory that it takes: none is kept that takes too many. */
  set(key: Key, value: Value, bytes: number): void {
    this.delete(key);
    if (bytes > this.#limit) return;
    this.#kept.set(key, { value, bytes });
    this.#bytes += bytes;
    for (const oldest of this.#kept.keys()) {
      if (this.#bytes <= this.#limit) break;
      this.delete(oldest);
    }
  }

  /**
   * Keeps a value only when the one before it was like it, by a number made of what it is. What is kept for a while gets old in the
   * heap, and stays there until all of that is looked at: values that change each time would fill it.
   */
  setAgain(key: Key, value: Value, bytes: number, likeness: number): void {
    if (this.#likeness.get(key) === likeness) {
      this.set(key, value, bytes);
    } else {
      this.delete(key);
      if (this.#likeness.size >= maxLikenesses) this.#likeness.clear();
      this.#likeness.set(key, likeness);
    }
  }

  delete(key: Key): void {
    this.#bytes -= this.#kept.get(key)?.bytes ?? 0;
    this.#kept.delete(key);
  }
}
