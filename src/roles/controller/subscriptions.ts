import type { Body } from "../../base/body.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { type UnitState, unloaded } from "../../systemd/port.ts";
import type { Node } from "./node.ts";

/** Why something is told: systemd said it, or it completes the listener's picture. */
export type Reason = "real" | "virtual";

/** Who listens to units. */
export interface Subscriber {
  unitNew(node: string, unit: string, reason: Reason): void;
  unitRemoved(node: string, unit: string, reason: Reason): void;
  unitStateChanged(node: string, unit: string, activeState: string, subState: string, reason: Reason): void;
  unitPropertiesChanged(node: string, unit: string, interfaceName: string, properties: Body): void;
}

/** Any node, or any unit. */
const any = "*";

/** More subscriptions than this in all are refused. */
const maxSubscriptions = 262_144;

interface Subscription {
  readonly node: string;
  readonly units: readonly string[];
  readonly subscriber: Subscriber;
}

/** A unit of a node that somebody listens to. Its state is known once the agent has told it. */
interface Watch {
  readonly subscriptions: Set<Subscription>;
  state: UnitState | undefined;
  /** The state that events gave it while the agent's answer was on its way. */
  early: UnitState | undefined;
  /** What is to be done once the agent has answered. */
  readonly waiting: (() => void)[];
}

type Watches = Map<string, Watch>;

/** Who listens to which units of which nodes. The agents are asked only for what somebody listens to. */
export class Subscriptions {
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #watches = new Map<Node, Watches>();
  readonly #log: Log;
  #lastId = 0;

  constructor(nodes: Iterable<Node>, log: Log) {
    for (const node of nodes) this.#watches.set(node, new Map());
    this.#log = log;
  }

  get size(): number {
    return this.#subscriptions.size;
  }

  /**
   * @param node a node's name, or `*`; an unknown one stays silent.
   * @param units names, or `*`.
   * @returns the subscription's id.
   * @throws Failure LimitsExceeded.
   */
  subscribe(node: string, units: readonly string[], subscriber: Subscriber): number {
    if (this.#subscriptions.size >= maxSubscriptions) {
      throw new Failure(ErrorName.LimitsExceeded, "Too many subscriptions");
    }
    const subscription = { node, units: [...new Set(units)], subscriber };
    const id = ++this.#lastId;
    this.#subscriptions.set(id, subscription);
    for (const [known, watches] of this.#matching(node)) {
      for (const unit of subscription.units) this.#join(known, watches, unit, subscription);
    }
    return id;
  }

  unsubscribe(id: number): void {
    const subscription = this.#subscriptions.get(id);
    if (!subscription) return;
    this.#subscriptions.delete(id);
    for (const [node, watches] of this.#matching(subscription.node)) {
      for (const unit of subscription.units) {
        const watch = watches.get(unit);
        if (!watch?.subscriptions.delete(subscription) || watch.subscriptions.size > 0) continue;
        watches.delete(unit);
        node.emit("unsubscribe", { unit });
      }
    }
  }

  /**
   * Does `work` once the state of a unit that is listened to is known, so that all which follows from that work is heard
   * as a change. Not done when the node goes offline first.
   */
  whenKnown(node: Node, unit: string, work: () => void): void {
    const watch = this.#watchesOf(node).get(unit);
    if (watch?.state) work();
    else watch?.waiting.push(work);
  }

  /** Sets up at its agent what is listened to on a node that has come online. */
  nodeOnline(node: Node): void {
    for (const [unit, watch] of this.#watchesOf(node)) this.#ask(node, unit, watch);
  }

  /** Tells the listeners that the units of a node are out of sight. */
  nodeOffline(node: Node): void {
    for (const [unit, watch] of this.#watchesOf(node)) {
      const { state } = watch;
      watch.state = undefined;
      watch.early = undefined;
      watch.waiting.length = 0;
      if (!state?.loaded) continue;
      for (const subscriber of subscribers(watch)) {
        if (state.activeState !== "inactive") {
          subscriber.unitStateChanged(node.name, unit, "inactive", "agent-offline", "virtual");
        }
        subscriber.unitRemoved(node.name, unit, "virtual");
      }
    }
  }

  unitNew(node: Node, unit: string): void {
    this.#note(node, unit, { ...unloaded, loaded: true });
    for (const subscriber of this.#listeners(node, unit)) subscriber.unitNew(node.name, unit, "real");
  }

  unitRemoved(node: Node, unit: string): void {
    this.#note(node, unit, unloaded);
    for (const subscriber of this.#listeners(node, unit)) subscriber.unitRemoved(node.name, unit, "real");
  }

  unitStateChanged(node: Node, unit: string, activeState: string, subState: string): void {
    this.#note(node, unit, { loaded: true, activeState, subState });
    for (const subscriber of this.#listeners(node, unit)) {
      subscriber.unitStateChanged(node.name, unit, activeState, subState, "real");
    }
  }

  unitPropertiesChanged(node: Node, unit: string, interfaceName: string, properties: Body): void {
    for (const subscriber of this.#listeners(node, unit)) {
      subscriber.unitPropertiesChanged(node.name, unit, interfaceName, properties);
    }
  }

  #matching(name: string): Iterable<[Node, Watches]> {
    if (name === any) return this.#watches;
    return [...this.#watches].filter(([node]) => node.name === name);
  }

  #watchesOf(node: Node): Watches {
    return this.#watches.get(node) ?? new Map();
  }

  #join(node: Node, watches: Watches, unit: string, subscription: Subscription): void {
    const watch = watches.get(unit);
    if (watch) {
      watch.subscriptions.add(subscription);
      if (watch.state) introduce(node, unit, watch.state, subscription.subscriber);
      return;
    }
    const fresh: Watch = { subscriptions: new Set([subscription]), state: undefined, early: undefined, waiting: [] };
    watches.set(unit, fresh);
    if (node.online) this.#ask(node, unit, fresh);
  }

  #ask(node: Node, unit: string, watch: Watch): void {
    const asked = node.call("subscribe", { unit });
    // `*` has no state of its own: it is there as long as its node is.
    if (unit === any) this.#settle(node, unit, watch, { loaded: true, activeState: "", subState: "" });
    asked.then(
      (state) => {
        if (unit === any || this.#watchesOf(node).get(unit) !== watch || watch.state) return;
        this.#settle(node, unit, watch, watch.early ?? state);
      },
      (error) => {
        if (!node.online || this.#watchesOf(node).get(unit) !== watch) return;
        this.#log.warn(`Node '${node.name}' does not watch unit '${unit}': ${describe(error)}`);
        for (const work of watch.waiting.splice(0)) work();
      },
    );
  }

  #settle(node: Node, unit: string, watch: Watch, state: UnitState): void {
    watch.state = state;
    watch.early = undefined;
    for (const subscriber of subscribers(watch)) introduce(node, unit, state, subscriber);
    for (const work of watch.waiting.splice(0)) work();
  }

  #note(node: Node, unit: string, state: UnitState): void {
    const watch = this.#watchesOf(node).get(unit);
    if (watch?.state) watch.state = state;
    else if (watch) watch.early = state;
  }

  /** Each of those who listen to a unit once, by its name or by `*`. */
  #listeners(node: Node, unit: string): Iterable<Subscriber> {
    const watches = this.#watchesOf(node);
    const named = watches.get(unit);
    const all = watches.get(any);
    return new Set([...(named?.state ? subscribers(named) : []), ...(all ? subscribers(all) : [])]);
  }
}

function subscribers(watch: Watch): Set<Subscriber> {
  return new Set([...watch.subscriptions].map(({ subscriber }) => subscriber));
}

/** Tells a new listener what is already so. */
function introduce(node: Node, unit: string, state: UnitState, subscriber: Subscriber): void {
  if (!state.loaded) return;
  subscriber.unitNew(node.name, unit, "virtual");
  if (unit !== any) subscriber.unitStateChanged(node.name, unit, state.activeState, state.subState, "virtual");
}
