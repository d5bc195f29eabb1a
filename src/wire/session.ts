import type { EventFrom, FieldsOf, Handlers, ReplyOf, RequestFrom } from "./messages.ts";
import type { Side } from "./table.ts";

/** Heartbeats in both directions, in milliseconds; 0 switches either off. */
export interface HeartbeatOptions {
  /** How often one is sent. */
  readonly intervalMs: number;
  /** How long the peer may be silent before the session ends. */
  readonly thresholdMs: number;
}

/** What both sides found in each other's greeting. */
export interface Agreement {
  /** The lower one of both protocol numbers. */
  readonly protocol: number;
  /** The features that both have. */
  readonly features: number;
  /** The peer's software version, for people to read. */
  readonly peerVersion: string;
}

/** What the owner of a session brings along. */
export interface SessionOwner<S extends Side> {
  readonly handlers: Handlers<S>;
  readonly heartbeat: HeartbeatOptions;
  /** The session, before any message is handed out. */
  onSession?(session: Session<S>): void;
  /** A heartbeat has arrived. */
  onHeartbeat?(): void;
  /** The session has ended, for a reason in words. Called exactly once, also after the owner's own close. */
  onClose(reason: string): void;
}

/** An accepted connection: requests and their replies, and events, in both directions. */
export declare class Session<S extends Side> {
  readonly peer: string;
  readonly agreement: Agreement;
  /** Events of unknown types that were skipped. */
  readonly skippedEvents: number;
  readonly closed: boolean;
  /** Asks the peer. Rejects with the Failure that the peer answered, or NoReply after `timeoutMs` (30000, 0 for never). */
  call<N extends RequestFrom<S>>(name: N, fields: FieldsOf<N>, options?: { timeoutMs?: number }): Promise<ReplyOf<N>>;
  /** Tells the peer. Does nothing when the session has ended. */
  emit<N extends EventFrom<S>>(name: N, fields: FieldsOf<N>): void;
  /** Says goodbye and ends the session. */
  close(reason: string): void;
}
