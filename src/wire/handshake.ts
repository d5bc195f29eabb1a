import type { Rate } from "../base/budgets.ts";
import type { Clock } from "../base/clock.ts";
import { asFailure, describe, ErrorName, Failure } from "../base/failure.ts";
import type { Log } from "../base/log.ts";
import { Rationed } from "../base/rationed.ts";
import { words } from "./codec.ts";
import { Crowd, type Guest } from "./crowd.ts";
import {
  type EnrolmentAnswer,
  type EnrolmentRequest,
  enrolledPlan,
  enrolTimeoutMs,
  pendingPlan,
  readEnrol,
} from "./enrolment.ts";
import { type Frame, FrameType } from "./frame.ts";
import { type GreetOptions, greet } from "./greet.ts";
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
import { Session, type SessionOwner } from "./session.ts";
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
  /**
   * Decides on a host that asks for a certificate; nobody gets one when it is left out. It logs refusals itself.
   * @throws Failure to refuse it: error name and message reach the host.
   */
  enrol?(request: EnrolmentRequest, transport: Transport): Promise<EnrolmentAnswer>;
  /** 10,000 when left out. */
  readonly maxGreeting?: number;
  /** How often an address may come; that of crowd.ts when left out. */
  readonly rate?: Rate;
  /** Whether there are more connections, the newest among them, than there is room for. There always is when left out. */
  crowded?(): boolean;
}

/** A connection at the door, which can be shown out. */
interface Visitor extends Guest {
  leave(reason: string): void;
}

/**
 * The controller's door: takes new connections until they have said hello and were admitted.
 * Bounds: `maxGreeting` connections at the door, each with frames of `maxHello` bytes and `helloTimeoutMs` of time, and
 * `enrolTimeoutMs` more for the decision on a request to join. When there are more, or no room is left for what is behind the
 * door, the address with the most loses its oldest one: a flood pushes out itself. An address that comes too often (crowd.ts)
 * is turned away at once. The log is rationed.
 */
export class Acceptor {
  readonly #options: AcceptorOptions;
  readonly #crowd: Crowd<Visitor>;
  readonly #refusals: Rationed;

  constructor(options: AcceptorOptions) {
    this.#options = options;
    this.#crowd = new Crowd(options.clock, options.rate);
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
      if (frame.type === FrameType.enrol) {
        const request = readEnrol(frame);
        link.hold();
        // It has said what it has to say: what lasts now is our work.
        timer.cancel();
        timer = clock.after(enrolTimeoutMs, () => visitor.leave(`no decision in ${enrolTimeoutMs} ms`));
        void this.#enrol(link, request, transport).then(() => {
          timer.cancel();
          answered = true;
        });
        return;
      }
      const hello = readHello(frame);
      probing = hello.probe;
      let owner: SessionOwner<"controller">;
      try {
        owner = this.#admit(hello, transport);
      } catch (thrown) {
        refuse(link, thrown);
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
    let timer = whenSilent(clock, helloTimeoutMs, () => visitor.leave(`no hello in ${helloTimeoutMs} ms`));
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

  async #enrol(link: Link, request: ReturnType<typeof readEnrol>, transport: Transport): Promise<void> {
    try {
      checkProtocol(request);
      if (!this.#options.enrol) throw new Failure(ErrorName.Failed, "no certificates are given here");
      const answer = await this.#options.enrol(request, transport);
      if ("retryMs" in answer) link.send(FrameType.pending, undefined, pendingPlan, answer);
      else link.send(FrameType.enrolled, undefined, enrolledPlan, answer);
      link.close();
    } catch (thrown) {
      refuse(link, thrown);
    }
  }

  #admit(hello: Hello, transport: Transport): SessionOwner<"controller"> {
    checkProtocol(hello);
    return this.#options.admit(hello, transport);
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

function checkProtocol(peer: { readonly protocol: number }): void {
  if (peer.protocol >= oldestProtocol) return;
  throw new Failure(ErrorName.Failed, `protocol ${peer.protocol} is not spoken here, only ${oldestProtocol} and up`);
}

/** Tells a peer why it is not let in, and ends the link. */
function refuse(link: Link, thrown: unknown): void {
  const { errorName, message } = asFailure(thrown);
  link.send(FrameType.refuse, undefined, refusePlan, { error: words(errorName), message: words(message) });
  link.close();
}

export interface JoinOptions extends SessionOwner<"agent">, HelloOptions {
  /** A controller that knows of a later attempt refuses this one; all are welcome when left out. */
  readonly origin?: Origin;
}

export interface HelloOptions extends GreetOptions, Common {
  /** This agent's node name. */
  readonly node: string;
}

/**
 * Says hello to a controller over a new connection.
 * @throws Failure with the controller's error name and message when it refuses; NoReply when it does not answer in 5 s;
 * Disconnected when the connection ends first. The connection is closed then, and `onClose` is not called.
 */
export function join(transport: Transport, options: JoinOptions): Promise<Session<"agent">> {
  const { clock, log } = options;
  const limits = { ...defaultLimits, ...options.limits };
  const values = helloOf(options, options.heartbeat.intervalMs, options.origin);
  return greet(transport, { type: FrameType.hello, plan: helloPlan, values }, options, (frame, link) => {
    const agreement = readWelcome(frame);
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
export function probe(transport: Transport, options: HelloOptions): Promise<void> {
  return greet(
    transport,
    { type: FrameType.probe, plan: helloPlan, values: helloOf(options) },
    options,
    (frame, link) => {
      readWelcome(frame);
      link.close();
    },
  );
}

function helloOf({ node, version }: HelloOptions, heartbeatIntervalMs = 0, origin: Origin = unknownOrigin): object {
  return { magic, protocol, features, node, version, heartbeatIntervalMs, ...origin };
}

const unknownOrigin: Origin = { agent: 0n, attempt: 0 };
