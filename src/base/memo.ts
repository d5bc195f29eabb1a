/** Longer keys are not remembered: systemd has no longer names, but who is hostile may. */
const maxKey = 1024;

/**
 * What was made of texts that come again and again, by text.
 * Bound: `most` of them; with one more it begins anew.
 */
export class Memo<Value> {
  readonly #most: number;
  readonly #values = new Map<string, Value>();

  constructor(most = 512) {
    this.#most = most;
  }

  get(key: string): Value | undefined {
    return this.#values.get(key);
  }

  /** @returns the value. */
  keep(key: string, value: Value): Value {
    if (key.length > maxKey) return value;
    if (this.#values.size >= this.#most) this.#values.clear();
    this.#values.set(key, value);
    return value;
  }
}
