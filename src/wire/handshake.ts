import type { Clock } from "../base/clock.ts";
import type { Log } from "../base/log.ts";
import type { Limits } from "./limits.ts";
import type { Session, SessionOwner } from "./session.ts";
import type { Transport } from "./transport.ts";

/** What an agent says first. */
export interface Hello {
  readonly protocol: number;
  readonly features: number;
  readonly node: string;
  readonly version: string;
}

export interface AcceptorOptions {
  readonly clock: Clock;
  readonly log?: Log;
  readonly limits?: Partial<Limits>;
  /** The software version told to agents. */
  readonly version: string;
  /**
   * Decides on an agent. Called synchronously when its hello arrived; the session follows through `onSession`.
   * @throws Failure to refuse it: error name and message reach the agent.
   */
  admit(hello: Hello, transport: Transport): SessionOwner<"controller">;
}

/** The controller's door: takes new connections until they have said hello and were admitted. */
export declare class Acceptor {
  constructor(options: AcceptorOptions);
  /** Takes a new connection, as the `onTransport` of a listener. */
  accept(transport: Transport): void;
  /** Drops the connections that have not been admitted yet. */
  close(): void;
}

export interface JoinOptions extends SessionOwner<"agent"> {
  readonly clock: Clock;
  readonly log?: Log;
  readonly limits?: Partial<Limits>;
  /** This agent's node name. */
  readonly node: string;
  /** The software version told to the controller. */
  readonly version: string;
}

/**
 * Says hello to a controller over a new connection.
 * @throws Failure with the controller's error name and message when it refuses; NoReply when it does not answer in 5 s;
 * Disconnected when the connection ends first. The connection is closed then.
 */
export declare function join(transport: Transport, options: JoinOptions): Promise<Session<"agent">>;
