import type { Clock, Timer } from "./clock.ts";

/** How long more of a kind is only counted after it was said. */
export const rationPeriodMs = 10_000;
/** Kinds that are told from each other in a period. */
export const maxKinds = 10;

/**
 * Says what strangers can make a daemon say as often as they like.
 * Bounds: in a period one text of a kind is said, and the rest counted; beyond `maxKinds` kinds all are only counted. What
 * was counted is said at the end of the period.
 */
export class Rationed {
  readonly #say: (text: string) => void;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { readonly saidMs: number; more: number; last: string }>();
  #others = 0;
  #timer: Timer | undefined;

  constructor(say: (text: string) => void, clock: Clock) {
    this.#say = say;
    this.#clock = clock;
  }

  /** @param kind what it has in common with others, for example who causes it. */
  say(kind: string, text: string): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [old, { saidMs, more }] of this.#kinds) {
      if (more === 0 && nowMs >= saidMs + rationPeriodMs) this.#kinds.delete(old);
    }
    const known = this.#kinds.get(kind);
    if (known === undefined && this.#kinds.size < maxKinds) {
      this.#kinds.set(kind, { saidMs: nowMs, more: 0, last: text });
      this.#say(text);
      return;
    }
    if (known) {
      known.more++;
      known.last = text;
    } else {
      this.#others++;
    }
    this.#timer ??= this.#clock.after(rationPeriodMs, () => this.flush());
  }

  /** Says at once what has been counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { more, last } of this.#kinds.values()) if (more > 0) this.#say(`${last} (the last of ${more} more)`);
    if (this.#others > 0) this.#say(`${this.#others} more of other kinds`);
    this.#kinds.clear();
    this.#others = 0;
  }
}
