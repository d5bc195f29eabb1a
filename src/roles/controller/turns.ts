/**
 * A question with a long answer, which is asked once at a time. Who wants the answer meanwhile gets the next one, together
 * with all others who do: so an answer tells what was true after it was asked for, many who ask cost little more than
 * one, and what is asked beside it (a property, a job) waits for one long answer at most.
 */
export class Turns<T> {
  readonly #ask: () => Promise<T>;
  #asking = false;
  #next: PromiseWithResolvers<T> | undefined;

  constructor(ask: () => Promise<T>) {
    this.#ask = ask;
  }

  /** The answer to the question. When it fails while others wait for their turn, it has failed for them too. */
  answer(): Promise<T> {
    if (this.#asking) {
      this.#next ??= Promise.withResolvers<T>();
      return this.#next.promise;
    }
    this.#asking = true;
    const answer = this.#ask();
    answer.then(
      () => this.#end()?.resolve(this.answer()),
      (thrown) => this.#end()?.reject(thrown),
    );
    return answer;
  }

  /** @returns those who have waited for their turn. */
  #end(): PromiseWithResolvers<T> | undefined {
    const next = this.#next;
    this.#next = undefined;
    this.#asking = false;
    return next;
  }
}
