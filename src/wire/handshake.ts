import type { Clock } from "../base/clock.ts";
import { asFailure, describe, ErrorName, Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { Rationed } from "../base/rationed.ts";
import { words } from "./codec.ts";
import { Crowd, type Guest } from "./crowd.ts";
import { type Frame, FrameType } from "./frame.ts";
import {
  features,
  type Hello,
  helloPlan,
  helloTimeoutMs,
  magic,
  maxHello,
  type Origin,
  oldestProtocol,
  protocol,
  readHello,
  readWelcome,
  refusePlan,
  welcomePlan,
} from "./hello.ts";
import { whenSilent } from "./lateness.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { Link } from "./link.ts";
import { type Agreement, Session, type SessionOwner } from "./session.ts";
import type { Transport } from "./transport.ts";

/**
 * Connections that have not been admitted; beyond, the oldest of the address with the most has to go. The runtime takes all
 * connections that wait before it reads what they say, so a whole fleet has to have a place here.
 */
const maxGreeting = 10_000;

interface Common {
  readonly clock: Clock;
  readonly log?: Log;
  readonly limits?: Partial<Limits>;
  /** Our software version, told to the peer for people to read. */
  readonly version: string;
}

export interface AcceptorOptions extends Common {
  /**
   * Decides on an agent. Called synchronously when its hello arrived; the session follows through `onSession`, but for a
   * probe.
   * @throws Failure to refuse it: error name and message reach the agent.
   */
  admit(hello: Hello, transport: Transport): SessionOwner<"controller">;
  /** 10,000 when left out. */
  readonly maxGreeting?: number;
  /** Whether there are more connections, the newest among them, than there is room for. There always is when left out. */
  crowded?(): boolean;
}

/** A connection at the door, which can be shown out. */
interface Visitor extends Guest {
  leave(reason: string): void;
}

/**
 * The controller's door: takes new connections until they have said hello and were admitted.
 * Bounds: `maxGreeting` connections at the door, each with frames of `maxHello` bytes and `helloTimeoutMs` of time. When
 * there are more, or no room is left for what is behind the door, the address with the most loses its oldest one: a flood
 * pushes out itself. An address that comes too often (crowd.ts) is turned away at once. The log is rationed.
 */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #crowd: Crowd<Visitor>;
  readonly #refusals: Rationed;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#crowd = new Crowd(options.clock);
    this.#refusals = new Rationed((text) => options.log?.info(text), options.clock);
  }

  /** How many connections have not been admitted. */
  get greeting(): number {
    return this.#crowd.size;
  }

  /** Takes a new connection, as the `onTransport` of a listener. */
  accept(transport: Transport): void {
    const { clock, log } = this.#options;
    const limits = { ...defaultLimits, ...this.#options.limits };
    const { peer } = transport;
    let probing = false;
    const refused = (reason: string): void => {
      const text = `Connection from ${peer || "a local peer"} refused: ${reason}`;
      if (probing) log?.debug(text);
      else this.#refusals.say(peer, text);
    };
    if (!this.#crowd.comes(peer)) {
      transport.abort();
      refused("too many connections from there");
      return;
    }
    let answered = false;
    const ended = (reason: string): void => {
      timer.cancel();
      if (!answered) refused(reason);
      answered = true;
    };
    const visitor: Visitor = {
      peer,
      leave: (reason) => {
        this.#crowd.delete(visitor);
        transport.abort();
        link.close();
        ended(reason);
      },
    };
    const frame = (frame: Frame): void => {
      const hello = readHello(frame);
      probing = hello.probe;
      let owner: SessionOwner<"controller">;
      try {
        owner = this.#admit(hello, transport);
      } catch (thrown) {
        const { errorName, message } = asFailure(thrown);
        link.send(FrameType.refuse, undefined, refusePlan, { error: words(errorName), message: words(message) });
        link.close();
        ended(describe(thrown));
        return;
      }
      timer.cancel();
      answered = true;
      if (!probing) this.#crowd.delete(visitor);
      this.#welcome(link, hello, owner, limits);
    };
    const user = { frame, drained: () => {}, ended };
    const link = new Link(transport, { clock, limits, frameLimit: maxHello, user });
    const timer = whenSilent(clock, helloTimeoutMs, () => visitor.leave(`no hello in ${helloTimeoutMs} ms`));
    this.#crowd.add(visitor);
    // Who has been answered, and does not go, is still at the door.
    void link.gone.then(() => this.#crowd.delete(visitor));
    link.start();
    if (this.#crowd.size > (this.#options.maxGreeting ?? maxGreeting))
      this.#crowd.superfluous?.leave("too many connections have not said hello");
    if (this.#options.crowded?.()) this.#crowd.superfluous?.leave("there is no room for more connections");
  }

  /** Drops the connections that have not been admitted. */
  close(): void {
    for (const visitor of this.#crowd) visitor.leave("shutting down");
    this.#refusals.flush();
  }

  #admit(hello: Hello, transport: Transport): SessionOwner<"controller"> {
    if (hello.protocol >= oldestProtocol) return this.#options.admit(hello, transport);
    throw new Failure(ErrorName.Failed, `protocol ${hello.protocol} is not spoken here, only ${oldestProtocol} and up`);
  }

  #welcome(link: Link, hello: Hello, owner: SessionOwner<"controller">, limits: Limits): void {
    const { clock, log, version } = this.#options;
    const agreed = { protocol: Math.min(protocol, hello.protocol), features: (features & hello.features) >>> 0 };
    const heartbeatIntervalMs = owner.heartbeat.intervalMs;
    link.send(FrameType.welcome, undefined, welcomePlan, { ...agreed, version, heartbeatIntervalMs });
    if (hello.probe) {
      link.close();
      return;
    }
    const agreement = { ...agreed, peerVersion: hello.version, heartbeatIntervalMs: hello.heartbeatIntervalMs };
    new Session({ side: "controller", link, owner, agreement, clock, limits, log });
  }
}

export interface GreetOptions extends Common {
  /** This agent's node name. */
  readonly node: string;
  /** Gives up: then it is `gone` when the promise rejects, as a controller might have admitted it just then. */
  readonly signal?: AbortSignal;
}

export interface JoinOptions extends SessionOwner<"agent">, GreetOptions {
  /** A controller that knows of a later attempt refuses this one; all are welcome when left out. */
  readonly origin?: Origin;
}

/**
 * Says hello to a controller over a new connection.
 * @throws Failure with the controller's error name and message when it refuses; NoReply when it does not answer in 5 s;
 * Disconnected when the connection ends first. The connection is closed then, and `onClose` is not called.
 */
export function join(transport: Transport, options: JoinOptions): Promise<Session<"agent">> {
  const { clock, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const fields = { heartbeatIntervalMs: options.heartbeat.intervalMs, ...(options.origin ?? unknownOrigin) };
  return greet(transport, FrameType.hello, fields, options, (link, agreement) => {
    const session = new Session({ side: "agent", link, owner: options, agreement, clock, limits, log });
    link.yield();
    return session;
  });
}

/**
 * Asks a controller over a new connection whether it would admit this agent, while no other is connected by its name.
 * Nobody is disturbed by that. The connection is closed then.
 * @throws Failure as `join`; AddressInUse when an agent is connected by this name.
 */
export function probe(transport: Transport, options: GreetOptions): Promise<void> {
  const fields = { heartbeatIntervalMs: 0, ...unknownOrigin };
  return greet(transport, FrameType.probe, fields, options, (link) => link.close());
}

const unknownOrigin: Origin = { agent: 0n, attempt: 0 };

function greet<T>(
  transport: Transport,
  type: number,
  fields: Origin & { readonly heartbeatIntervalMs: number },
  options: GreetOptions,
  welcomed: (link: Link, agreement: Agreement) => T,
): Promise<T> {
  const { clock, node, version, signal } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const { promise, resolve, reject } = Promise.withResolvers<T>();
  const leave = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", giveUp);
  };
  const fail = (failure: Failure): void => {
    leave();
    link.close();
    reject(failure);
  };
  const giveUp = (): void => {
    leave();
    link.close();
    void link.gone.then(() => reject(new Failure(ErrorName.Disconnected, "the attempt was given up")));
  };
  const frame = (frame: Frame): void => {
    const agreement = readWelcome(frame);
    if (agreement instanceof Failure) {
      fail(agreement);
      return;
    }
    leave();
    resolve(welcomed(link, agreement));
  };
  const ended = (reason: string): void => fail(new Failure(ErrorName.Disconnected, reason));
  const user = { frame, drained: () => {}, ended };
  const link = new Link(transport, { clock, limits, frameLimit: maxHello, user });
  const silent = `the controller does not answer within ${helloTimeoutMs} ms`;
  const timer = whenSilent(clock, helloTimeoutMs, () => fail(new Failure(ErrorName.NoReply, silent)));
  link.start();
  signal?.addEventListener("abort", giveUp);
  if (signal?.aborted) giveUp();
  try {
    link.send(type, undefined, helloPlan, { magic, protocol, features, node, version, ...fields });
  } catch (thrown) {
    fail(asFailure(thrown));
  }
  return promise;
}
