import type { Body } from "../../base/body.ts";
import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { lists, slowMethods } from "../../systemd/manager-interface.ts";
import { GoodbyeCode } from "../../wire/codec.ts";
import type { Origin } from "../../wire/hello.ts";
import type { EventFrom, FieldsOf, ReplyOf, RequestFrom } from "../../wire/messages.ts";
import type { Session } from "../../wire/session.ts";
import { CheckedLists } from "./checked-lists.ts";
import { checkedBody } from "./hearsay.ts";
import { Turns } from "./turns.ts";

/** What connects a node: nothing while it is offline. */
type Link =
  | { readonly state: "offline" }
  | { readonly state: "online"; readonly session: Session<"controller">; readonly peer: string };

/** How long a node may take to answer. Programs wait 25 s by default, and shall hear from us which node it was. */
const answerMs = 20_000;
/**
 * The same for what systemd may take its time over, longer than the agent waits for systemd, so that the agent's word
 * comes first. Only where heartbeats find an agent that hangs.
 */
const slowAnswerMs = 100_000;

const offline: Link = { state: "offline" };

/** Those of all nodes. */
const checkedLists = new CheckedLists();

/** What the configuration says of a node. */
export interface NodeTerms {
  readonly name: string;
  /** The nodes whose units this node's units may depend on. */
  readonly allowedDependencies: ReadonlySet<string>;
  /** The SELinux context that its agent has to have; "" when any will do. */
  readonly requiredContext: string;
  /** Whether its agent may come from other hosts with TLS only. */
  readonly requireTls: boolean;
  /** What becomes of its active proxies when their target's node is away for long. */
  readonly onTargetLost: "keep" | "stop";
}

/** A node that may register, online or not. */
export class Node {
  readonly name: string;
  allowedDependencies: ReadonlySet<string>;
  requiredContext = "";
  requireTls = false;
  onTargetLost: NodeTerms["onTargetLost"] = "keep";
  /** When it was online last, in ms of the clock; before it ever was, when it became known. */
  awaySinceMs: number;
  /** The latest attempt that was let in. */
  origin: Origin | undefined;
  lastSeenUs = 0n;
  lastSeenMonotonicUs = 0n;
  readonly #clock: Clock;
  #link: Link = offline;
  #held = false;
  readonly #lists = new Map<string, Turns<Body>>();

  constructor(name: string, allowedDependencies: ReadonlySet<string>, clock: Clock) {
    this.name = name;
    this.allowedDependencies = allowedDependencies;
    this.#clock = clock;
    this.awaySinceMs = clock.monotonicMs();
  }

  get online(): boolean {
    return this.#link.state === "online";
  }

  get status(): "online" | "offline" {
    return this.#link.state;
  }

  /** The address that the node's connection came from; "" while offline and on the unix socket. */
  get peer(): string {
    return this.#link.state === "online" ? this.#link.peer : "";
  }

  /** Whether it is connected over a network without TLS. */
  get plain(): boolean {
    return this.#link.state === "online" && !this.#link.session.secure;
  }

  connected(session: Session<"controller">, peer: string): void {
    this.#link = { state: "online", session, peer };
    if (this.#held) session.hold(true);
    this.seen();
  }

  /** From now on the node is offline. @returns the session that it had. */
  disconnected(): Session<"controller"> | undefined {
    const session = this.#link.state === "online" ? this.#link.session : undefined;
    if (session) this.awaySinceMs = this.#clock.monotonicMs();
    this.#link = offline;
    return session;
  }

  /** Whether this is the session that the node is connected by: a session that was taken over is not. */
  has(session: Session<"controller">): boolean {
    return this.#link.state === "online" && this.#link.session === session;
  }

  /** Whether an attempt is older than the latest one of the same agent: nobody waits for its outcome any more. */
  isSuperseded({ agent, attempt }: Origin): boolean {
    return agent !== 0n && agent === this.origin?.agent && attempt <= this.origin.attempt;
  }

  /** Notes that the node has given a sign of life. */
  seen(): void {
    this.lastSeenUs = this.#clock.realtimeUs();
    this.lastSeenMonotonicUs = this.#clock.monotonicUs();
  }

  /** Stops reading what the node says, on a connection that it makes meanwhile too; or goes on. */
  hold(held: boolean): void {
    this.#held = held;
    if (this.#link.state === "online") this.#link.session.hold(held);
  }

  /** Takes over what the configuration says. An agent of which more is required than before has to register again. */
  configure({ allowedDependencies, requiredContext, requireTls, onTargetLost }: NodeTerms): void {
    this.allowedDependencies = allowedDependencies;
    this.onTargetLost = onTargetLost;
    this.requireTls = requireTls;
    if (requireTls && this.plain) this.disconnect("TLS is required of it");
    if (this.requiredContext === requiredContext) return;
    this.requiredContext = requiredContext;
    if (requiredContext !== "") this.disconnect("another SELinux context is required of it");
  }

  /** Ends the node's session, if it has one. */
  disconnect(reason: string): void {
    if (this.#link.state === "online") this.#link.session.close(reason);
  }

  /** Ends the node's session, if it has one, for one that takes its place. */
  displace(reason: string): void {
    if (this.#link.state === "online") this.#link.session.close(reason, GoodbyeCode.displaced);
  }

  /** When something arrived from the node last, in ms of the clock; while it is offline, never. */
  get heardMs(): number {
    return this.#link.state === "online" ? this.#link.session.heardMs : Number.NEGATIVE_INFINITY;
  }

  /**
   * Asks the node's agent.
   * @param timeoutMs 0 waits for as long as the node is online.
   * @throws Failure Offline while there is none, NoReply when it does not answer in time, else as Session.call.
   */
  call<N extends RequestFrom<"controller">>(name: N, fields: FieldsOf<N>, timeoutMs = answerMs): Promise<ReplyOf<N>> {
    if (this.#link.state === "offline") return Promise.reject(new Failure(ErrorName.Offline, "Node is offline"));
    const timedOut = `Node '${this.name}' has not answered within ${timeoutMs / 1000} s, but may still do what was asked`;
    return this.#link.session.call(name, fields, { timeoutMs, timedOut });
  }

  /** Tells the node's agent, when there is one: without `hurry` what costs next to nothing when more is sent soon. */
  emit<N extends EventFrom<"controller">>(name: N, fields: FieldsOf<N>, hurry = true): void {
    if (this.#link.state === "online") this.#link.session.emit(name, fields, hurry);
  }

  /**
   * Passes a call to the Manager of the node's systemd.
   * @param signature that the answer must have.
   */
  callManager(method: string, args: Body, signature: string): Promise<Body> {
    if (!lists.has(method)) return this.#passOn(method, args, signature);
    let turns = this.#lists.get(method);
    if (!turns) {
      const checked = (list: Body) => checkedLists.checked(method, list, signature, this.name);
      turns = new Turns(async () => checked(await this.#askManager(method, args)));
      this.#lists.set(method, turns);
    }
    return turns.answer();
  }

  async #passOn(method: string, args: Body, signature: string): Promise<Body> {
    return checkedBody(await this.#askManager(method, args), signature, this.name);
  }

  async #askManager(method: string, args: Body): Promise<Body> {
    const patient = slowMethods.has(method) && this.#link.state === "online" && this.#link.session.watched;
    const call = this.call("callManager", { method, arguments: args }, patient ? slowAnswerMs : answerMs);
    return (await call).result;
  }

  /** All properties of a unit on an interface, on all of them for "". @returns a body `a{sv}`. */
  async unitProperties(unit: string, interfaceName: string): Promise<Body> {
    const { properties } = await this.call("getUnitProperties", { unit, interface: interfaceName });
    return checkedBody(properties, "a{sv}", this.name);
  }

  /** One property of a unit. @returns a body `v`. */
  async unitProperty(unit: string, interfaceName: string, property: string): Promise<Body> {
    const { value } = await this.call("getUnitProperty", { unit, interface: interfaceName, property });
    return checkedBody(value, "v", this.name);
  }
}
