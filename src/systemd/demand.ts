/** Says whether one needs systemd, and the signals that come from it; saying the same again changes nothing. */
export type Need = (needed: boolean) => void;

/** Who needs systemd: the one place where that is counted. */
export class Demand {
  readonly #needs = new Set<Need>();
  readonly #changed: (any: boolean) => void;

  /** @param changed called when the first begins to need it, and when the last no longer does. */
  constructor(changed: (any: boolean) => void) {
    this.#changed = changed;
  }

  /** Whether anybody does. */
  get any(): boolean {
    return this.#needs.size > 0;
  }

  /** One more who may. @returns with which they say so. */
  join(): Need {
    const need: Need = (needed) => {
      const before = this.any;
      if (needed) this.#needs.add(need);
      else this.#needs.delete(need);
      if (this.any !== before) this.#changed(this.any);
    };
    return need;
  }
}
