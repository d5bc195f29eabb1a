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
export class Rationed<Detail = void> {
  readonly #say: (text: string, detail?: Detail) => void;
  readonly #clock: Clock;
  readonly #kinds = new Map<string, { readonly saidMs: number; more: number; last: string; detail: Detail }>();
  #others = 0;
  #timer: Timer | undefined;

  /** @param say also gets what was given with a text; nothing with a count of several kinds. */
  constructor(say: (text: string, detail?: Detail) => void, clock: Clock) {
    this.#say = say;
    this.#clock = clock;
  }

  /** @param kind what it has in common with others, for example who causes it. */
  say(kind: string, text: string, detail: Detail): void {
    const nowMs = this.#clock.monotonicMs();
    for (const [old, { saidMs, more }] of this.#kinds) {
      if (more === 0 && nowMs >= saidMs + rationPeriodMs) this.#kinds.delete(old);
    }
    const known = this.#kinds.get(kind);
    if (known === undefined && this.#kinds.size < maxKinds) {
      this.#kinds.set(kind, { saidMs: nowMs, more: 0, last: text, detail });
      this.#say(text, detail);
      return;
    }
    if (known) {
      known.more++;
      known.last = text;
      known.detail = detail;
    } else {
      this.#others++;
    }
    this.#timer ??= this.#clock.after(rationPeriodMs, () => this.flush());
  }

  /** Says at once what has been counted. */
  flush(): void {
    this.#timer?.cancel();
    this.#timer = undefined;
    for (const { more, last, detail } of this.#kinds.values())
      if (more > 0) this.#say(`${last} (the last of ${more} more)`, detail);
    if (this.#others > 0) this.#say(`${this.#others} more of other kinds`);
    this.#kinds.clear();
    this.#others = 0;
  }
}
