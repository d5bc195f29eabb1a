/** How often a property has been read, which tells a test that a program has got as far as that. */
export class Reads {
  #count = 0;
  #changed = Promise.withResolvers<void>();

  note(value: string): string {
    this.#count++;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
    return value;
  }

  async reach(count: number): Promise<void> {
    while (this.#count < count) await this.#changed.promise;
  }
}
