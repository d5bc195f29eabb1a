import type { Clock } from "../base/clock.ts";
import { asFailure, describe, ErrorName, Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { Rationed } from "../base/rationed.ts";
import { words } from "./codec.ts";
import { compressionFeature } from "./compression.ts";
import { Crowd, type Guest } from "./crowd.ts";
import { type Frame, FrameType } from "./frame.ts";
import { defaultLimits, type Limits } from "./limits.ts";
import { Link } from "./link.ts";
import { planOf } from "./plan.ts";
import { Reader, WireError } from "./reader.ts";
import { type Agreement, Session, type SessionOwner } from "./session.ts";
import type { Transport } from "./transport.ts";

/** The protocol number grows when a peer has to know that the other side is newer; features cover the rest. */
export const protocol = 1;
/** The oldest protocol that is still spoken. */
export const oldestProtocol = 1;
/** Optional behaviour that this version has, a bit each. */
const features = compressionFeature;

const magic = "bluechi";
/** The fields of the frames before a session. The first ones of each never change. */
export const helloPlan = planOf({
  magic: "s",
  protocol: "q",
  features: "u",
  node: "s",
  version: "s",
  heartbeatIntervalMs: "u",
  agent: "t",
  attempt: "u",
});
export const welcomePlan = planOf({ protocol: "q", features: "u", version: "s", heartbeatIntervalMs: "u" });
export const refusePlan = planOf({ error: "s", message: "s" });

/** Bytes of payload in a frame before the hello is accepted. */
export const maxHello = 4096;
/** How long either side waits for the other's first frame. */
export const helloTimeoutMs = 5000;
/** Connections that have not been admitted; beyond, the oldest of the address with the most has to go. */
export const maxGreeting = 1024;

/** Which of an agent's attempts to connect this is. */
export interface Origin {
  /** A random number that tells one run of an agent from all others; 0 when it is not told. */
  readonly agent: bigint;
  /** Grows with each attempt. Of one that was given up the hello may still arrive, after the next one's. */
  readonly attempt: number;
}

/** What an agent says first. */
export interface Hello extends Origin {
  readonly protocol: number;
  readonly features: number;
  readonly node: string;
  readonly version: string;
  /** How often the agent sends heartbeats, 0 for never. */
  readonly heartbeatIntervalMs: number;
  /** Whether this is a probe: the agent only asks whether it would be admitted, and no session follows. */
  readonly probe: boolean;
}

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
    const timer = clock.after(helloTimeoutMs, () => visitor.leave(`no hello in ${helloTimeoutMs} ms`));
    this.#crowd.add(visitor);
    // Who has been answered, and does not go, is still at the door.
    void link.gone.then(() => this.#crowd.delete(visitor));
    link.start();
    if (this.#crowd.size > maxGreeting) this.#crowd.superfluous?.leave("too many connections have not said hello");
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

function readHello(frame: Frame): Hello {
  const probe = frame.type === FrameType.probe;
  if (frame.type !== FrameType.hello && !probe) throw new WireError("the first frame is no hello");
  const hello = new Reader(frame.payload).fields(helloPlan) as unknown as Omit<Hello, "probe"> & { magic: string };
  if (hello.magic !== magic) throw new WireError("the hello is not one of ours");
  return { ...hello, probe };
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
  const timer = clock.after(helloTimeoutMs, () => fail(new Failure(ErrorName.NoReply, silent)));
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

/** What the controller answered: an agreement, or why there is none. */
function readWelcome(frame: Frame): Agreement | Failure {
  const reader = new Reader(frame.payload);
  if (frame.type === FrameType.refuse) {
    const { error, message } = reader.fields(refusePlan) as { error: string; message: string };
    return new Failure(error || ErrorName.Failed, message);
  }
  if (frame.type !== FrameType.welcome) throw new WireError("the first frame is no welcome");
  const { version, ...agreed } = reader.fields(welcomePlan) as unknown as Omit<Hello, "node" | "probe" | keyof Origin>;
  if (agreed.protocol < oldestProtocol || agreed.protocol > protocol) {
    return new Failure(ErrorName.Failed, `the controller speaks protocol ${agreed.protocol}, which is not spoken here`);
  }
  return { ...agreed, peerVersion: version };
}
