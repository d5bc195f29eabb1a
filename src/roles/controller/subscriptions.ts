import type { Body } from "../../base/body.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { type UnitState, unloaded } from "../../systemd/port.ts";
import { checkedWord } from "./hearsay.ts";
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

/** More subscriptions, and units in them, than this in all are refused. */
const maxUnits = 262_144;

interface Subscription {
  readonly node: string;
  readonly units: readonly string[];
  readonly subscriber: Subscriber;
}

/** A unit of a node that somebody listens to. Its state is known once the agent has told it. */
interface Watch {
  readonly subscriptions: Set<Subscription>;
  /** Who they are of, each once; undefined after a change, until somebody has to be told something. */
  subscribers: readonly Subscriber[] | undefined;
  state: UnitState | undefined;
  /** The question to the agent that is under way; one that was given up before decides nothing. */
  question: Question | undefined;
}

interface Question {
  /** What is to be done once the agent has answered. */
  readonly waiting: (() => void)[];
}

/** Questions to one agent at a time; others wait for their turn, so that there is room for calls of people. */
const maxQuestions = 64;

/** What is listened to on a node. */
interface Watches {
  readonly byUnit: Map<string, Watch>;
  readonly unasked: [unit: string, watch: Watch][];
  asked: number;
}

/** Who listens to which units of which nodes. The agents are asked only for what somebody listens to. */
export class Subscriptions {
  readonly #subscriptions = new Map<number, Subscription>();
  readonly #watches = new Map<Node, Watches>();
  readonly #byName = new Map<string, Node>();
  readonly #log: Log;
  #lastId = 0;
  #units = 0;

  constructor(log: Log) {
    this.#log = log;
  }

  /** A node that may be listened to from now on, also by those who have subscribed to it before it was known. */
  addNode(node: Node): void {
    const watches = { byUnit: new Map(), unasked: [], asked: 0 };
    this.#watches.set(node, watches);
    this.#byName.set(node.name, node);
    for (const subscription of this.#subscriptions.values()) {
      if (subscription.node !== any && subscription.node !== node.name) continue;
      for (const unit of subscription.units) this.#join(node, watches, unit, subscription);
    }
  }

  /** A node that is offline and does not come back. Its subscriptions stay, and wait for another of its name. */
  removeNode(node: Node): void {
    this.#watches.delete(node);
    this.#byName.delete(node.name);
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
    const subscription = { node, units: [...new Set(units)], subscriber };
    if (this.#subscriptions.size >= maxUnits || this.#units + subscription.units.length > maxUnits) {
      throw new Failure(ErrorName.LimitsExceeded, "Too many subscriptions");
    }
    this.#units += subscription.units.length;
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
    this.#units -= subscription.units.length;
    for (const [node, watches] of this.#matching(subscription.node)) {
      for (const unit of subscription.units) {
        const watch = watches.byUnit.get(unit);
        if (!watch?.subscriptions.delete(subscription)) continue;
        watch.subscribers = undefined;
        if (watch.subscriptions.size > 0) continue;
        watch.question = undefined;
        watches.byUnit.delete(unit);
        node.emit("unsubscribe", { unit });
      }
    }
  }

  /**
   * Does `work` once the state of a unit that is listened to is known, so that all which follows from that work is heard
   * as a change. Not done when the node goes offline first.
   */
  whenKnown(node: Node, unit: string, work: () => void): void {
    const watch = this.#watches.get(node)?.byUnit.get(unit);
    if (watch?.state) work();
    else if (watch && node.online) {
      if (!watch.question) this.#ask(node, unit, watch);
      watch.question?.waiting.push(work);
    }
  }

  /** Sets up at its agent what is listened to on a node that has come online. */
  nodeOnline(node: Node): void {
    for (const [unit, watch] of this.#watches.get(node)?.byUnit ?? []) this.#ask(node, unit, watch);
  }

  /** Tells the listeners that the units of a node are out of sight. */
  nodeOffline(node: Node): void {
    const watches = this.#watches.get(node);
    if (watches) watches.unasked.length = 0;
    for (const [unit, watch] of watches?.byUnit ?? []) {
      const { state } = watch;
      watch.state = undefined;
      watch.question = undefined;
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
    const node = this.#byName.get(name);
    const watches = node && this.#watches.get(node);
    return watches ? [[node, watches]] : [];
  }

  #join(node: Node, watches: Watches, unit: string, subscription: Subscription): void {
    const watch = watches.byUnit.get(unit) ?? newWatch();
    watches.byUnit.set(unit, watch);
    watch.subscriptions.add(subscription);
    watch.subscribers = undefined;
    if (watch.state) introduce(node, unit, watch.state, subscription.subscriber);
    else if (node.online && !watch.question) this.#ask(node, unit, watch);
  }

  #ask(node: Node, unit: string, watch: Watch): void {
    watch.question = { waiting: [] };
    this.#watches.get(node)?.unasked.push([unit, watch]);
    this.#askNext(node);
  }

  #askNext(node: Node): void {
    const watches = this.#watches.get(node);
    while (watches && watches.asked < maxQuestions) {
      const [unit, watch] = watches.unasked.shift() ?? [];
      if (unit === undefined || !watch) return;
      // It may have been given up while it waited for its turn.
      if (!watch.question || watches.byUnit.get(unit) !== watch) continue;
      watches.asked++;
      void this.#put(node, unit, watch, watch.question).finally(() => {
        watches.asked--;
        this.#askNext(node);
      });
    }
  }

  /** Asks the agent, and has all wait no longer once it has answered. Never fails. */
  async #put(node: Node, unit: string, watch: Watch, question: Question): Promise<void> {
    // There is no hurry, and as long as the node is online the answer comes in the end.
    const answer = node.call("subscribe", { unit }, 0);
    // `*` has no state of its own: it is there as long as its node is.
    if (unit === any) this.#settle(node, unit, watch, { loaded: true, activeState: "", subState: "" });
    try {
      const state = await answer;
      checkedWord(state.activeState, node.name);
      checkedWord(state.subState, node.name);
      if (watch.question === question) this.#settle(node, unit, watch, state);
    } catch (error) {
      if (watch.question !== question) return;
      this.#log.warn(`Node '${node.name}' does not watch unit '${unit}': ${describe(error)}`);
      // Whoever subscribes next asks again.
      watch.question = undefined;
      for (const work of question.waiting) work();
    }
  }

  #settle(node: Node, unit: string, watch: Watch, state: UnitState): void {
    const waiting = watch.question?.waiting ?? [];
    watch.state = state;
    watch.question = undefined;
    for (const subscriber of subscribers(watch)) introduce(node, unit, state, subscriber);
    for (const work of waiting) work();
  }

  /**
   * What is told before the answer to a question is older than that answer, as an agent says all in order: it
   * may even be of a subscription before.
   */
  #note(node: Node, unit: string, state: UnitState): void {
    const watch = this.#watches.get(node)?.byUnit.get(unit);
    if (watch?.state) watch.state = state;
  }

  /** Each of those who listen to a unit once, by its name or by `*`. */
  #listeners(node: Node, unit: string): Iterable<Subscriber> {
    const watches = this.#watches.get(node)?.byUnit;
    const named = watches?.get(unit);
    const all = watches?.get(any);
    if (!named?.state) return all ? subscribers(all) : [];
    return all ? new Set([...subscribers(named), ...subscribers(all)]) : subscribers(named);
  }
}

function newWatch(): Watch {
  return { subscriptions: new Set(), subscribers: undefined, state: undefined, question: undefined };
}

function subscribers(watch: Watch): readonly Subscriber[] {
  watch.subscribers ??= [...new Set([...watch.subscriptions].map(({ subscriber }) => subscriber))];
  return watch.subscribers;
}

/** Tells a new listener what is already so. */
function introduce(node: Node, unit: string, state: UnitState, subscriber: Subscriber): void {
  if (!state.loaded) return;
  subscriber.unitNew(node.name, unit, "virtual");
  if (unit !== any) subscriber.unitStateChanged(node.name, unit, state.activeState, state.subState, "virtual");
}
