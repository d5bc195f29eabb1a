import { maxPayload } from "./frame.ts";

/** The bounds of a session, each with what happens at the bound. */
export interface Limits {
  /** Bytes of a frame's payload. A larger one that arrives ends the session; one to be sent fails with LimitsExceeded. */
  readonly maxFrame: number;
  /** Calls without an answer, each direction. Own ones fail with LimitsExceeded; at the peer's, reading pauses. */
  readonly maxPending: number;
  /** Bytes of queued replies above which reading pauses, so that a peer that does not read cannot order more. */
  readonly highWaterBytes: number;
  /** Bytes queued of any kind above which the session ends. */
  readonly maxQueuedBytes: number;
}

export const defaultLimits: Limits = {
  maxFrame: maxPayload,
  maxPending: 4096,
  highWaterBytes: 2 ** 20,
  maxQueuedBytes: 2 ** 25,
};
