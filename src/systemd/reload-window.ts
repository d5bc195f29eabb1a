/**
 * What systemd says of its units while it reloads. A daemon-reload takes every unit away and then loads them again, with
 * a UnitRemoved and a UnitNew for each; a listener should hear only what is different afterwards. Bound: a name for each
 * unit that systemd has.
 */
export class ReloadWindow {
  readonly #removed = new Set<string>();
  readonly #added = new Set<string>();
  #open = false;

  get open(): boolean {
    return this.#open;
  }

  begin(): void {
    this.#open = true;
  }

  unitNew(unit: string): void {
    if (!this.#removed.delete(unit)) this.#added.add(unit);
  }

  unitRemoved(unit: string): void {
    if (!this.#added.delete(unit)) this.#removed.add(unit);
  }

  /** @returns the units that are gone, and those that were not there before. */
  end(): { readonly removed: readonly string[]; readonly added: readonly string[] } {
    const difference = { removed: [...this.#removed], added: [...this.#added] };
    this.#removed.clear();
    this.#added.clear();
    this.#open = false;
    return difference;
  }
}
