import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { proxyTarget } from "../../base/names.ts";
import type { Need } from "../../systemd/demand.ts";
import type { Systemd } from "../../systemd/port.ts";
import type { FieldsOf } from "../../wire/messages.ts";
import type { ControllerSession } from "./link.ts";
import { type ProxyEffect, type ProxyEvent, type ProxyState, started, step, waiting } from "./proxy.ts";

/** More proxies than this are refused. */
const maxProxies = 4096;

const prefix = "bluechi-proxy@";

/** The units that proxies are, as a glob. */
const proxyUnits = `${prefix}*.service`;

interface Proxy {
  readonly id: number;
  /** The proxy unit on this node. */
  readonly service: string;
  readonly node: string;
  readonly unit: string;
  state: ProxyState;
  /** Answers who waits for the proxy to start. */
  readonly answer: { succeed(): void; fail(failure: Failure): void };
}

/** Whether the proxy unit is active. */
function isUp({ state }: Proxy): boolean {
  return state.phase === "started" || state.phase === "resumed";
}

type Session = Pick<ControllerSession, "call" | "emit">;

/** The proxies of this node, by their units' names. */
export class Proxies {
  readonly #systemd: Pick<Systemd, "startJob" | "listUnits">;
  readonly #log: Log;
  readonly #need: Need;
  readonly #proxies = new Map<string, Proxy>();
  readonly #byId = new Map<number, Proxy>();
  #session: Session | undefined;
  #lastId = 0;

  /** @param need is told whether there are proxies. */
  constructor(systemd: Pick<Systemd, "startJob" | "listUnits">, log: Log, need: Need) {
    this.#systemd = systemd;
    this.#log = log;
    this.#need = need;
  }

  get size(): number {
    return this.#proxies.size;
  }

  /**
   * Waits until the target of a new proxy is active.
   * @param service the proxy unit on this node.
   * @throws Failure AddressInUse when there is such a proxy, ActivationFailed when the target does not start.
   */
  create(service: string, node: string, unit: string): Promise<void> {
    if (this.#proxies.has(service)) throw new Failure(ErrorName.AddressInUse, "Proxy already exists");
    if (this.#proxies.size >= maxProxies) throw new Failure(ErrorName.LimitsExceeded, "Too many proxies");
    return new Promise((resolve, reject) => {
      const proxy = this.#add(service, node, unit, waiting, { succeed: resolve, fail: reject });
      if (this.#session) this.#announce(proxy, this.#session);
      else this.#log.info(`Proxy '${service}' waits for the controller, which is not connected`);
    });
  }

  /** Ends a proxy, whether its start is still waited for or not; one that is unknown has ended already. */
  remove(service: string): void {
    const proxy = this.#proxies.get(service);
    if (proxy) this.#handle(proxy, { type: "removed" });
  }

  has(service: string): boolean {
    return this.#proxies.has(service);
  }

  /**
   * Compares what is known with the proxy units that systemd has, when a connection to it is new: those that are active
   * without us were started by an agent before this one, and ours may have stopped.
   */
  async reconcile(): Promise<void> {
    const listed = await this.#systemd.listUnits(proxyUnits);
    const states = new Map(listed.map(({ unit, activeState }) => [unit, activeState]));
    for (const { service } of [...this.#proxies.values()]) {
      this.unitStateChanged(service, states.get(service) ?? "inactive");
    }
    for (const [service, state] of states) {
      if (state !== "active") continue;
      const target = proxyTarget(service.slice(prefix.length));
      if (!target || this.#proxies.has(service)) continue;
      this.#log.info(`Found proxy '${service}' active`);
      const proxy = this.#add(service, target.node, target.unit, started, { succeed: () => {}, fail: () => {} });
      if (this.#session) this.#announce(proxy, this.#session);
    }
  }

  /** The controller is connected: it is told of all proxies there are. */
  online(session: Session): void {
    this.#session = session;
    for (const proxy of this.#proxies.values()) this.#announce(proxy, session);
  }

  /** The controller is gone. Proxies stay as they are until it is back. */
  offline(): void {
    this.#session = undefined;
  }

  targetActivated({ proxyId, result, message }: FieldsOf<"proxyTargetActivated">): void {
    this.#handleId(proxyId, { type: "activated", result, message });
  }

  targetChanged({ proxyId, activeState, reason }: FieldsOf<"proxyTargetChanged">): void {
    this.#handleId(proxyId, { type: "targetChanged", activeState, reason });
  }

  targetRemoved({ proxyId, reason }: FieldsOf<"proxyTargetRemoved">): void {
    this.#handleId(proxyId, { type: "targetRemoved", reason });
  }

  targetLost({ proxyId, message }: FieldsOf<"proxyTargetLost">): void {
    this.#handleId(proxyId, { type: "targetLost", message });
  }

  /** A unit of this node has changed: a started proxy whose unit ended otherwise than by us is over. */
  unitStateChanged(unit: string, activeState: string): void {
    const proxy = this.#proxies.get(unit);
    if (!proxy || !isUp(proxy)) return;
    if (activeState === "inactive" || activeState === "failed") this.#handle(proxy, { type: "removed" });
  }

  /**
   * Ends all because the agent stops.
   * @param keepUnits leaves the started proxy units active, for the agent that takes over from this one.
   */
  async stop(keepUnits: boolean): Promise<void> {
    const units: string[] = [];
    for (const proxy of [...this.#proxies.values()]) {
      if (isUp(proxy)) units.push(proxy.service);
      if (!keepUnits) this.#session?.emit("removeProxy", { proxyId: proxy.id });
      this.#drop(proxy);
      proxy.answer.fail(new Failure(ErrorName.Failed, "Proxy service stopped"));
    }
    if (!keepUnits) await Promise.all(units.map((unit) => this.#stopUnit(unit)));
  }

  #add(service: string, node: string, unit: string, state: ProxyState, answer: Proxy["answer"]): Proxy {
    const proxy = { id: ++this.#lastId, service, node, unit, state, answer };
    this.#proxies.set(service, proxy);
    this.#byId.set(proxy.id, proxy);
    this.#need(true);
    return proxy;
  }

  #drop(proxy: Proxy): void {
    this.#proxies.delete(proxy.service);
    this.#byId.delete(proxy.id);
    this.#need(this.#proxies.size > 0);
  }

  #announce(proxy: Proxy, session: Session): void {
    const { id, node, unit } = proxy;
    this.#handle(proxy, { type: "announced" });
    session.call("createProxy", { proxyId: id, node, unit }).catch((error) => {
      // A refusal counts only while the controller that gave it is the one we have: a lost one decides nothing.
      if (this.#session !== session) return;
      this.#handle(proxy, { type: "refused", message: describe(error) });
    });
  }

  #handleId(id: number, event: ProxyEvent): void {
    const proxy = this.#byId.get(id);
    if (proxy) this.#handle(proxy, event);
  }

  #handle(proxy: Proxy, event: ProxyEvent): void {
    const { state, effects } = step(proxy.state, event);
    proxy.state = state;
    if (state.phase === "ended") this.#drop(proxy);
    for (const effect of effects) this.#perform(proxy, effect);
  }

  #perform(proxy: Proxy, effect: ProxyEffect): void {
    switch (effect.type) {
      case "succeed":
        this.#log.info(`Proxy '${proxy.service}' started`);
        proxy.answer.succeed();
        break;
      case "fail": {
        this.#log.warn(`Proxy '${proxy.service}' failed to start: ${effect.message}`);
        const message = `Proxy service failed to start: ${effect.message}`;
        proxy.answer.fail(new Failure(ErrorName.ActivationFailed, message));
        break;
      }
      case "stopUnit":
        this.#log.info(
          `Stopping proxy '${proxy.service}': unit '${proxy.unit}' on node '${proxy.node}': ${effect.message}`,
        );
        void this.#stopUnit(proxy.service);
        break;
      case "release":
        this.#session?.emit("removeProxy", { proxyId: proxy.id });
        break;
    }
  }

  async #stopUnit(unit: string): Promise<void> {
    try {
      await this.#systemd.startJob("stop", unit, "replace");
    } catch (error) {
      this.#log.warn(`Proxy '${unit}' is not stopped: ${describe(error)}`);
    }
  }
}
