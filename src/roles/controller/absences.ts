import type { Clock, Timer } from "../../base/clock.ts";
import type { Node } from "./node.ts";

/** In how many ms a node that is away counts as lost, Infinity for never. @param timeoutMs 0 for never. */
export function untilLost(awaySinceMs: number, timeoutMs: number, nowMs: number): number {
  return timeoutMs === 0 ? Number.POSITIVE_INFINITY : Math.max(0, awaySinceMs + timeoutMs - nowMs);
}

/** Tells of nodes that have been away for so long that not everybody waits for them any more. */
export class Absences {
  readonly #clock: Clock;
  readonly #lost: (node: Node) => void;
  /** The nodes that are watched, with what is left of their time. */
  readonly #watched = new Map<Node, Timer | undefined>();
  #timeoutMs = 0;

  constructor(clock: Clock, lost: (node: Node) => void) {
    this.#clock = clock;
    this.#lost = lost;
  }

  get timeoutMs(): number {
    return this.#timeoutMs;
  }

  /** How long a node may be away, in ms, 0 for ever. Those that have been away for longer are told, once more if need be. */
  set timeoutMs(timeoutMs: number) {
    this.#timeoutMs = timeoutMs;
    for (const node of [...this.#watched.keys()]) this.watch(node);
  }

  /** Tells of a node when its time is up, at the next turn of the loop when it is up already, until it is forgotten. */
  watch(node: Node): void {
    this.#watched.get(node)?.cancel();
    const delayMs = untilLost(node.awaySinceMs, this.#timeoutMs, this.#clock.monotonicMs());
    const timer = delayMs === Number.POSITIVE_INFINITY ? undefined : this.#clock.after(delayMs, () => this.#lost(node));
    this.#watched.set(node, timer);
  }

  forget(node: Node): void {
    this.#watched.get(node)?.cancel();
    this.#watched.delete(node);
  }

  close(): void {
    for (const node of [...this.#watched.keys()]) this.forget(node);
  }
}
