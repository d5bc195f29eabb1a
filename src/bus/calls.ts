import type { Body } from "../base/body.ts";
import type { Clock } from "../base/clock.ts";
import type { Failure } from "../base/failure.ts";
import type { BusConnection } from "./connection.ts";

// What goes over a connection, and back.

export interface OpenOptions {
  /** The other side is no bus but a program, as on systemd's private socket: there is no Hello and there are no names. */
  readonly peerToPeer?: boolean;
  readonly clock?: Clock;
  /** Who answers our calls may have people asked for a password; for that, calls without a timeout have 150 s. */
  readonly interactive?: boolean;
  /** For connecting, and for Hello. Default 25,000. */
  readonly timeoutMs?: number;
  /**
   * Gets the connection to a bus before the bus has answered: what is called here goes out behind Hello at once. Not for a
   * private socket, see authenticate. Called again for each place in the address that has to be tried. When the connection
   * does not come about, `open` says why, and what was called may fail or never be answered.
   */
  readonly begin?: (connection: BusConnection) => void;
}

export interface Call {
  readonly destination?: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body?: Body;
  /** Default 25,000; 0 waits for ever. */
  readonly timeoutMs?: number;
  /** No reply is asked for, and the call is done when it is sent. */
  readonly noReply?: boolean;
  /** The bus shall not start a service to answer this. */
  readonly noAutoStart?: boolean;
}

export interface OutgoingSignal {
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body?: Body;
}

export interface Signal {
  readonly sender: string;
  readonly path: string;
  readonly interface: string;
  readonly member: string;
  readonly body: Body;
}

/** A call to us; its interface is "" when the caller left that out. It wants exactly one of reply and error. */
export interface MethodCall extends Signal {
  readonly noReply: boolean;
  /** The caller has time for somebody to be asked for a password. */
  readonly interactive: boolean;
  reply(body?: Body): void;
  /** Has something done once the reply has been sent, so that what it sends comes after it. Not done after an error. */
  afterReply(work: () => void): void;
  error(failure: Failure): void;
}

export interface Watch {
  cancel(): void;
}
