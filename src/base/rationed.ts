import type { Clock, Timer } from "./clock.ts";

/** How long a text that was said is only counted when it comes again. */
export const rationPeriodMs = 10_000;
/** Different texts in a period. */
export const maxTexts = 10;

/**
 * Says what strangers can make a daemon say as often as they like.
 * Bounds: in a period a text is said once and then counted; of more than `maxTexts` different ones only the number is
 * told. What was counted is said at the end of the period.
 */
export class Rationed {
  readonly #say: (text: string) => void;
  readonly #clock: Clock;
  readonly #said = new Map<string, { readonly atMs: number; more: number }>();
  #others = 0;
  #timer: Timer | undefined;

  constructor(say: (text: string) => void, clock: Clock) {
    this.#say = say;
    this.#clock = clock;
  }

  say(text: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [old, { atMs, more }] of this.#said) {
      if (more === 0 && nowMs >= atMs + rationPeriodMs) this.#said.delete(old);
    }
    const known = this.#said.get(text);
    if (known === undefined && this.#said.size < maxTexts) {
      this.#said.set(text, { atMs: nowMs, more: 0 });
      this.#say(text);
      return;
    }
    if (known) known.more++;
    else this.#others++;
    this.#timer ??= this.#clock.after(rationPeriodMs, () => this.flush());
  }

  /** Says at once what has been counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const [text, { more }] of this.#said) if (more > 0) this.#say(`${more} more times: ${text}`);
    if (this.#others > 0) this.#say(`${this.#others} more messages like these`);
    this.#said.clear();
    this.#others = 0;
  }
}
