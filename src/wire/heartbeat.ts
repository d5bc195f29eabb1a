import type { Clock } from "../base/clock.ts";
import { moreTime } from "./lateness.ts";
import { type Beating, Pulse } from "./pulse.ts";

/** Heartbeats in both directions, in milliseconds; 0 switches either off. */
export interface HeartbeatOptions {
  /** How often one is sent. */
  readonly intervalMs: number;
  /** How long the peer may be silent before the session ends. */
  readonly thresholdMs: number;
}

/** What heartbeats know of the connection they watch. */
export interface HeartbeatPort {
  /** Sends a heartbeat. */
  beat(): void;
  /** When the peer gave a sign of life last, in ms of the clock. */
  heardMs(): number;
  /** The peer has been silent for too long. Nothing is called after this. */
  lost(): void;
}

/** When to send the next heartbeat and when to look at the peer next, in ms of the clock; Infinity for never. */
export interface HeartbeatState {
  readonly beatMs: number;
  readonly checkMs: number;
  /** The time that the peer has been given beyond the threshold in this silence, because we were late. */
  readonly givenMs: number;
}

export function begin(options: HeartbeatOptions, nowMs: number): HeartbeatState {
  return {
    beatMs: options.intervalMs > 0 ? nowMs + options.intervalMs : Number.POSITIVE_INFINITY,
    checkMs: options.thresholdMs > 0 ? nowMs + options.thresholdMs : Number.POSITIVE_INFINITY,
    givenMs: 0,
  };
}

/** What is to be done at a time, given when the peer was heard last. */
export function step(
  options: HeartbeatOptions,
  state: HeartbeatState,
  event: { readonly nowMs: number; readonly heardMs: number },
): { state: HeartbeatState; beat: boolean; lost: boolean } {
  const { nowMs, heardMs } = event;
  const beat = nowMs >= state.beatMs;
  const beatMs = beat ? nowMs + options.intervalMs : state.beatMs;
  const silentMs = heardMs + options.thresholdMs;
  // Also when it is not due yet: a look that is taken for another reason puts it off.
  if (nowMs < silentMs && silentMs > state.checkMs) {
    return { state: { beatMs, checkMs: silentMs, givenMs: 0 }, beat, lost: false };
  }
  if (nowMs < state.checkMs) return { state: { ...state, beatMs }, beat, lost: false };
  const moreMs = moreTime(nowMs - state.checkMs, state.givenMs);
  if (moreMs > 0) {
    return { state: { beatMs, checkMs: nowMs + moreMs, givenMs: state.givenMs + moreMs }, beat, lost: false };
  }
  return { state: { ...state, beatMs, checkMs: Number.POSITIVE_INFINITY }, beat: false, lost: true };
}

/** A heartbeat that the peer's is waited for may come this much later, as a share of the interval. */
const slack = 1 / 4;

/**
 * What the peer's heartbeat asks for, where it is answered: our own, soon due, comes at once, and the next one only if the
 * peer's does not come before. So the one carries the acknowledgement of the other: three packets for both instead of four.
 */
export function answer(
  options: HeartbeatOptions,
  state: HeartbeatState,
  nowMs: number,
): { state: HeartbeatState; beat: boolean } {
  const beat = state.beatMs <= nowMs + options.intervalMs / 2;
  // Also when it is too early to answer: ours and the peer's are not to cross again.
  const beatMs = options.intervalMs > 0 ? nowMs + options.intervalMs * (1 + slack) : state.beatMs;
  return { state: { ...state, beatMs }, beat };
}

/** Sends heartbeats and watches for the peer's, until stopped. */
export class Heartbeat implements Beating {
  readonly #options: HeartbeatOptions;
  readonly #port: HeartbeatPort;
  readonly #clock: Clock;
  #state: HeartbeatState;

  constructor(options: HeartbeatOptions, port: HeartbeatPort, clock: Clock) {
    this.#options = options;
    this.#port = port;
    this.#clock = clock;
    this.#state = begin(options, clock.monotonicMs());
    Pulse.of(clock).join(this);
  }

  get dueMs(): number {
    return Math.min(this.#state.beatMs, this.#state.checkMs);
  }

  stop(): void {
    Pulse.of(this.#clock).leave(this);
  }

  /** A heartbeat of the peer, of which only one side answers those of the other. */
  answer(): void {
    const { state, beat } = answer(this.#options, this.#state, this.#clock.monotonicMs());
    this.#state = state;
    if (beat) this.#port.beat();
  }

  look(nowMs: number): void {
    const { state, beat, lost } = step(this.#options, this.#state, { nowMs, heardMs: this.#port.heardMs() });
    this.#state = state;
    if (lost) {
      this.stop();
      this.#port.lost();
    } else if (beat) this.#port.beat();
  }
}
