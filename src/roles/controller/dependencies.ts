import type { Clock, Timer } from "../../base/clock.ts";
import { asFailure, describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { isUnitName } from "../../base/names.ts";
import { Absences } from "./absences.ts";
import { Dependency, denial, type SourceProxy } from "./dependency.ts";
import { checkedWord } from "./hearsay.ts";
import type { Node } from "./node.ts";
import type { Subscriptions } from "./subscriptions.ts";

/**
 * How long those who need something have to come back and say so, in ms: a source that was lost keeps its targets for so
 * long, and on a target that has come, perhaps after a restart of the controller, what nobody needs is stopped then. It is
 * longer than an agent takes to restart or to connect again, so that no target stops in between.
 */
const settleMs = 5000;

/** Characters of a node's own words that are passed on. */
const maxReason = 1000;

/** More proxies of one node than this are refused. */
const maxProxiesPerNode = 4096;

/** The units that units on other nodes need, counted over all nodes. */
export class Dependencies {
  readonly #nodes: ReadonlyMap<string, Node>;
  readonly #subscriptions: Subscriptions;
  readonly #log: Log;
  readonly #proxies = new Map<Node, Map<number, SourceProxy>>();
  readonly #dependencies = new Map<string, Dependency>();
  readonly #clock: Clock;
  readonly #settling = new Map<Node, Timer>();
  readonly #leaving = new Map<Node, Timer>();
  readonly #absences: Absences;

  constructor(nodes: ReadonlyMap<string, Node>, subscriptions: Subscriptions, clock: Clock, log: Log) {
    this.#nodes = nodes;
    this.#subscriptions = subscriptions;
    this.#clock = clock;
    this.#log = log;
    this.#absences = new Absences(clock, (node) => this.#targetLost(node));
  }

  /** How many proxies need a unit. */
  users(target: string, unit: string): number {
    return this.#dependencies.get(key(target, unit))?.proxies.size ?? 0;
  }

  /**
   * A proxy that a node announces. While the target's node is offline the proxy waits.
   * @throws Failure when there is no such node, or the source may not depend on it.
   */
  add(source: Node, id: number, targetName: string, unit: string): void {
    const target = this.#nodes.get(targetName);
    if (!target) throw new Failure(ErrorName.ServiceUnknown, `No such node '${targetName}'`);
    if (!source.allowedDependencies.has(targetName)) {
      this.#log.warn(`Proxy request denied for ${source.name}->${targetName}`);
      throw new Failure(ErrorName.AccessDenied, denial(source, target));
    }
    if (!isUnitName(unit)) throw new Failure(ErrorName.InvalidArgs, `Unit name ${unit} is not valid.`);
    const proxies = this.#proxiesOf(source);
    if (proxies.has(id)) throw new Failure(ErrorName.AddressInUse, "Proxy already exists");
    if (proxies.size >= maxProxiesPerNode) throw new Failure(ErrorName.LimitsExceeded, "Too many proxies on one node");
    const dependency = this.#dependency(target, unit);
    const proxy = { source, id, dependency };
    proxies.set(id, proxy);
    // The same proxy of before the source was away has been kept for it.
    for (const kept of dependency.proxies) {
      if (kept.source === source && kept.id === undefined) dependency.proxies.delete(kept);
    }
    dependency.proxies.add(proxy);
    if (!dependency.subscription) {
      dependency.subscription = this.#subscriptions.subscribe(targetName, [unit], dependency);
    }
    if (target.online) this.#start(dependency, [proxy]);
    else {
      this.#log.info(`Unit '${unit}' needed by node '${source.name}' waits for node '${targetName}', which is offline`);
      this.#absences.watch(target);
    }
  }

  remove(source: Node, id: number): void {
    const proxies = this.#proxiesOf(source);
    const proxy = proxies.get(id);
    if (!proxy) return;
    proxies.delete(id);
    this.#release(proxy);
  }

  #release(proxy: SourceProxy): void {
    const { dependency } = proxy;
    if (!dependency.proxies.delete(proxy)) return;
    if (dependency.proxies.size > 0) return;
    this.#dependencies.delete(key(dependency.target.name, dependency.unit));
    this.#subscriptions.unsubscribe(dependency.subscription);
    this.#stop(dependency);
  }

  /** Starts what is needed on a node that has come online. */
  nodeOnline(node: Node): void {
    this.#absences.forget(node);
    for (const dependency of this.#dependencies.values()) {
      if (dependency.target === node) this.#start(dependency, [...dependency.proxies]);
    }
    this.#settling.get(node)?.cancel();
    this.#settling.set(
      node,
      this.#clock.after(settleMs, () => this.#keep(node)),
    );
  }

  /** What a node that goes offline needs is kept for a while; when it returns it announces its proxies again. */
  nodeOffline(node: Node): void {
    this.#absences.watch(node);
    this.#settling.get(node)?.cancel();
    this.#settling.delete(node);
    const proxies = [...this.#proxiesOf(node).values()];
    if (proxies.length === 0) return;
    this.#proxiesOf(node).clear();
    for (const proxy of proxies) proxy.id = undefined;
    this.#leaving.get(node)?.cancel();
    this.#leaving.set(
      node,
      this.#clock.after(settleMs, () => this.#leave(node)),
    );
  }

  /** Ends what needs a node that is removed, and what that node needs. Agents that are online are told the reason. */
  removeNode(node: Node, reason: string): void {
    for (const timers of [this.#settling, this.#leaving]) {
      timers.get(node)?.cancel();
      timers.delete(node);
    }
    this.#endWhere(
      ({ source, dependency }) => source === node || dependency.target === node,
      () => reason,
    );
    this.#proxies.delete(node);
    this.#absences.forget(node);
  }

  /** Ends what is not allowed any more, and decides anew on targets that are away, as the nodes' terms have changed. */
  review(targetLostTimeoutMs: number): void {
    this.#absences.timeoutMs = targetLostTimeoutMs;
    this.#endWhere(
      ({ source, dependency }) => !source.allowedDependencies.has(dependency.target.name),
      ({ source, dependency }) => denial(source, dependency.target),
    );
  }

  /** Ends proxies for good: their agents stop the units, or fail their starts. */
  #endWhere(which: (proxy: SourceProxy) => boolean, why: (proxy: SourceProxy) => string): void {
    for (const proxy of [...this.#dependencies.values()].flatMap(({ proxies }) => [...proxies])) {
      if (!which(proxy)) continue;
      const { source, id } = proxy;
      if (id !== undefined) {
        this.#proxiesOf(source).delete(id);
        source.emit("proxyTargetActivated", { proxyId: id, result: "failed", message: why(proxy) });
      }
      this.#release(proxy);
    }
  }

  /** Ends what is kept for nodes that are away, and looks after nothing any more. */
  close(): void {
    for (const timer of [...this.#settling.values(), ...this.#leaving.values()]) timer.cancel();
    this.#absences.close();
  }

  /** Has the nodes that do not keep their proxies without a target stop them. Those that still wait for it go on waiting. */
  #targetLost(target: Node): void {
    const message = `the node has been away for ${this.#absences.timeoutMs} ms`;
    for (const dependency of this.#dependencies.values()) {
      if (dependency.target !== target) continue;
      for (const { source, id } of dependency.proxies) {
        if (id === undefined || source.onTargetLost === "keep") continue;
        this.#log.info(
          `Node '${source.name}' does not keep its proxy of '${dependency.unit}' on '${target.name}': ${message}`,
        );
        source.emit("proxyTargetLost", { proxyId: id, message });
      }
    }
  }

  /** Gives up what a node has needed before it was away and has not announced again. */
  #leave(node: Node): void {
    this.#leaving.delete(node);
    for (const { proxies } of this.#dependencies.values()) {
      for (const proxy of proxies) if (proxy.source === node && proxy.id === undefined) this.#release(proxy);
    }
  }

  /** Has a node stop the dependency units that were left behind while it was not connected. */
  #keep(node: Node): void {
    this.#settling.delete(node);
    const needed = [...this.#dependencies.values()].filter(({ target }) => target === node);
    node.call("keepDependencies", { units: needed.map(({ unit }) => unit) }).catch((error) => {
      // A node that has gone again is asked when it is back.
      if (asFailure(error).errorName === ErrorName.NoReply) return;
      this.#log.warn(`Unneeded dependency units on node '${node.name}' are not stopped: ${describe(error)}`);
    });
  }

  /** Starts the dependency unit on the target and tells `proxies` how that ended. */
  #start(dependency: Dependency, proxies: readonly SourceProxy[]): void {
    const { target, unit } = dependency;
    const tell = (result: string, message: string) => {
      for (const proxy of proxies) {
        if (!dependency.proxies.has(proxy) || proxy.id === undefined) continue;
        proxy.source.emit("proxyTargetActivated", { proxyId: proxy.id, result, message });
      }
    };
    // The target's states have to be known before it is started: what the start brings about is then heard as real.
    this.#subscriptions.whenKnown(target, unit, () => {
      dependency.asked = true;
      // A start may take as long as systemd lets it: the answer comes with its end, or the link's.
      target
        .call("startDependency", { unit }, 0)
        .then(({ result }) => {
          const word = checkedWord(result, target.name);
          tell(word, word === "done" ? "" : `${unit} on node '${target.name}': ${word}`);
        })
        .catch((error) => {
          // When the link is lost the start is asked for again once the node is back.
          if (asFailure(error).errorName === ErrorName.NoReply) return;
          const why = describe(error).slice(0, maxReason);
          this.#log.warn(`Unit '${unit}' on node '${target.name}' cannot be started for others: ${why}`);
          tell("failed", `${why} (on node '${target.name}')`);
        });
    });
  }

  #stop({ target, unit, asked }: Dependency): void {
    if (!target.online || !asked) return;
    target.call("stopDependency", { unit }).catch((error) => {
      this.#log.warn(`The dependency unit of '${unit}' on node '${target.name}' is not stopped: ${describe(error)}`);
    });
  }

  #dependency(target: Node, unit: string): Dependency {
    const known = this.#dependencies.get(key(target.name, unit));
    if (known) return known;
    const dependency = new Dependency(target, unit);
    this.#dependencies.set(key(target.name, unit), dependency);
    return dependency;
  }

  #proxiesOf(source: Node): Map<number, SourceProxy> {
    const known = this.#proxies.get(source);
    if (known) return known;
    const proxies = new Map<number, SourceProxy>();
    this.#proxies.set(source, proxies);
    return proxies;
  }
}

/** A node's name may hold any character but this one. */
const key = (node: string, unit: string): string => `${node}\n${unit}`;
