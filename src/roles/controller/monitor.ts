import type { Body } from "../../base/body.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { isBusName } from "../../bus/syntax.ts";
import type { Reason, Subscriber, Subscriptions } from "./subscriptions.ts";

/** What one monitor may hold at most; more is refused. */
const maxPeers = 256;
const maxSubscriptions = 16_384;

/** Characters of a node's or a unit's name; no unit of systemd has more (systemd.unit(5)). */
const maxName = 255;

/** Where a monitor's events go: to its owner and the peers, each by its unique name. */
export interface MonitorListener {
  unitNew(to: readonly string[], node: string, unit: string, reason: Reason): void;
  unitRemoved(to: readonly string[], node: string, unit: string, reason: Reason): void;
  unitStateChanged(
    to: readonly string[],
    node: string,
    unit: string,
    activeState: string,
    subState: string,
    reason: Reason,
  ): void;
  unitPropertiesChanged(
    to: readonly string[],
    node: string,
    unit: string,
    interfaceName: string,
    properties: Body,
  ): void;
  peerRemoved(to: readonly string[], reason: string): void;
}

/** What one program listens to, and the peers that hear it too. */
export class Monitor implements Subscriber {
  readonly id: number;
  readonly owner: string;
  readonly #subscriptions: Subscriptions;
  readonly #ids = new Set<number>();
  readonly #peers = new Map<number, string>();
  #lastPeerId = 0;
  #to: readonly string[];
  #listener: MonitorListener | undefined;

  constructor(id: number, owner: string, subscriptions: Subscriptions) {
    this.id = id;
    this.owner = owner;
    this.#subscriptions = subscriptions;
    this.#to = [owner];
  }

  listen(listener: MonitorListener): void {
    this.#listener = listener;
  }

  get peers(): readonly string[] {
    return [...this.#peers.values()];
  }

  /** @returns the subscription's id. @throws Failure InvalidArgs for names that are too long, LimitsExceeded. */
  subscribe(node: string, units: readonly string[]): number {
    const long = [node, ...units].find((name) => name.length > maxName);
    if (long !== undefined) throw new Failure(ErrorName.InvalidArgs, `Name '${long.slice(0, 32)}…' is too long`);
    if (this.#ids.size >= maxSubscriptions) {
      throw new Failure(ErrorName.LimitsExceeded, "The monitor has too many subscriptions");
    }
    const id = this.#subscriptions.subscribe(node, units, this);
    this.#ids.add(id);
    return id;
  }

  /** @throws Failure when the monitor has no such subscription. */
  unsubscribe(id: number): void {
    if (!this.#ids.delete(id)) throw new Failure(ErrorName.Failed, `Subscription '${id}' not found`);
    this.#subscriptions.unsubscribe(id);
  }

  /** @returns the peer's id. @throws Failure InvalidArgs for a bad or known name. */
  addPeer(name: string): number {
    if (!isBusName(name)) throw new Failure(ErrorName.InvalidArgs, `Peer name '${name}' is not a valid bus name`);
    if (this.#to.includes(name)) {
      throw new Failure(ErrorName.InvalidArgs, `Peer name '${name}' has already been added`);
    }
    if (this.#peers.size >= maxPeers) throw new Failure(ErrorName.LimitsExceeded, "The monitor has too many peers");
    this.#peers.set(++this.#lastPeerId, name);
    this.#readdress();
    return this.#lastPeerId;
  }

  /** @throws Failure when there is no such peer. */
  removePeer(id: number, reason: string): void {
    const name = this.#peers.get(id);
    if (name === undefined) throw new Failure(ErrorName.Failed, `Peer with ID '${id}' not found.`);
    this.#peers.delete(id);
    this.#readdress();
    this.#listener?.peerRemoved([name], reason);
  }

  /** Forgets a peer that has left the bus. */
  peerGone(name: string): void {
    for (const [id, peer] of this.#peers) if (peer === name) this.#peers.delete(id);
    this.#readdress();
  }

  close(): void {
    for (const id of this.#ids) this.#subscriptions.unsubscribe(id);
    this.#ids.clear();
    if (this.#peers.size > 0) this.#listener?.peerRemoved(this.peers, "monitor closed");
    this.#peers.clear();
  }

  unitNew(node: string, unit: string, reason: Reason): void {
    this.#listener?.unitNew(this.#to, node, unit, reason);
  }

  unitRemoved(node: string, unit: string, reason: Reason): void {
    this.#listener?.unitRemoved(this.#to, node, unit, reason);
  }

  unitStateChanged(node: string, unit: string, activeState: string, subState: string, reason: Reason): void {
    this.#listener?.unitStateChanged(this.#to, node, unit, activeState, subState, reason);
  }

  unitPropertiesChanged(node: string, unit: string, interfaceName: string, properties: Body): void {
    this.#listener?.unitPropertiesChanged(this.#to, node, unit, interfaceName, properties);
  }

  #readdress(): void {
    this.#to = [this.owner, ...this.#peers.values()];
  }
}
