// A controller and agents over a network in memory, each agent with a fake systemd, all on one clock and one seed.
import { FakeClock } from "../../src/base/fake-clock.ts";
import { Log } from "../../src/base/log.ts";
import { proxyTarget } from "../../src/base/names.ts";
import { Agent } from "../../src/roles/agent/agent.ts";
import type { Controller, ControllerTerms } from "../../src/roles/controller/controller.ts";
import type { NodeTerms } from "../../src/roles/controller/node.ts";
import { FakeSystemd } from "../../src/systemd/fake.ts";
import type { UnitFile } from "../../src/systemd/fake-unit.ts";
import type { Systemd } from "../../src/systemd/port.ts";
import { ReconnectingSystemd } from "../../src/systemd/reconnecting.ts";
import { join, probe } from "../../src/wire/handshake.ts";
import type { HeartbeatOptions } from "../../src/wire/heartbeat.ts";
import type { MemoryNetwork } from "../../src/wire/memory.ts";
import { Random } from "../../src/wire/random.ts";
import type { Recorder } from "./recorder.ts";
import { Station } from "./station.ts";

export const jobLostTimeoutMs = 30_000;
export const targetLostTimeoutMs = 30_000;
/** How long a connection to systemd takes at most, when a scenario does not say. */
const maxConnectMs = 5;
const defaultHeartbeat: HeartbeatOptions = { intervalMs: 2000, thresholdMs: 6000 };

/** A host: its systemd outlives the agents that run on it, one after the other. */
export class Host {
  readonly name: string;
  readonly systemd: FakeSystemd;
  readonly #world: World;
  #connection: ReconnectingSystemd | undefined;
  #boot = 1n;
  agent: Agent | undefined;
  /** How long a connection to systemd takes; a moment of random length when left out. */
  connectMs: number | undefined;

  constructor(name: string, world: World) {
    this.name = name;
    this.#world = world;
    this.systemd = new FakeSystemd(world.clock, [this.#proxyTemplate(), dependencyTemplate]);
  }

  /** Another host that goes by the same name, as when a disk was cloned. */
  twin(): Host {
    return new Host(this.name, this.#world);
  }

  /** Starts an agent on this host. */
  async boot(): Promise<void> {
    const { clock, log, random, stations } = this.#world;
    const connect = (address: string) => {
      const station = stations.find((other) => other.address === address);
      if (!station) throw new Error(`no controller at ${address}`);
      return station.network.connect(this.name);
    };
    const greeting = { clock, log, node: this.name, version: "1" };
    const fraction = () => random.below(1000) / 1000;
    // Agents are started by systemd.
    await this.#world.run(this.systemd.awayMs);
    const connecting = ReconnectingSystemd.open(() => this.#connect(), { clock, log, random: fraction });
    await this.#world.run(maxConnectMs);
    this.#connection = await connecting;
    const agent: Agent = new Agent({
      systemd: this.#connection,
      clock,
      log,
      boot: this.#boot,
      link: {
        addresses: stations.map(({ address }) => address),
        failback: true,
        attemptsUntilQuiet: 0,
        maxDelayMs: 2000,
        random: fraction,
        probe: async (address, signal) => probe(connect(address), { ...greeting, signal }),
        join: async (address, { lost, signal, origin }) =>
          join(connect(address), {
            ...greeting,
            origin,
            signal,
            handlers: agent.handlers,
            heartbeat: this.#world.heartbeat,
            onClose: lost,
          }),
      },
    });
    this.agent = agent;
    void agent.start();
  }

  /** Units go on while it takes its time. */
  async #connect(): Promise<Systemd> {
    const { clock, random } = this.#world;
    const takesMs = this.connectMs ?? random.below(maxConnectMs);
    await new Promise<void>((resolve) => clock.after(takesMs, resolve));
    return this.systemd.connect();
  }

  /** The agent dies in the middle of whatever it does; systemd fails the proxy units that were waiting for it. */
  async crash(): Promise<void> {
    const { agent } = this;
    this.agent = undefined;
    this.#connection?.close();
    // What a dead process would still do cannot be seen by anybody: it has no systemd and no network any more.
    agent?.link.stop("");
    for (const { network } of this.#world.stations) network.cut(this.name);
    await agent?.proxies.stop(true);
  }

  /** The host loses power, and its agent with it. */
  async powerLoss(): Promise<void> {
    this.#boot++;
    this.systemd.powerLoss();
    await this.crash();
  }

  /** The agent stops in order, for good or because it is restarted. */
  async stop(restarting: boolean): Promise<void> {
    const { agent } = this;
    this.agent = undefined;
    await agent?.stop({ job: "/", type: restarting ? "restart" : "stop" });
    await this.#world.run(1);
    this.#connection?.close();
  }

  state(unit: string): string {
    return this.systemd.loaded(unit)?.activeState ?? "inactive";
  }

  /** The proxy unit runs `bluechi-proxy`, which calls the agent that there is. */
  #proxyTemplate(): UnitFile {
    const serviceOf = (instance: string) => `bluechi-proxy@${instance}.service`;
    return {
      name: "bluechi-proxy@.service",
      type: "oneshot",
      remainAfterExit: true,
      stopWhenUnneeded: true,
      onStart: async (instance, aborted) => {
        const target = proxyTarget(`${instance}.service`);
        const { agent } = this;
        if (!agent || !target) throw new Error("The name is not activatable");
        const leave = () => agent.proxies.remove(serviceOf(instance));
        aborted.addEventListener("abort", leave);
        await agent.proxies.create(serviceOf(instance), target.node, target.unit);
        // Its process has ended; what becomes of the unit the agent hears from systemd.
        aborted.removeEventListener("abort", leave);
      },
      onStop: async (instance) => this.agent?.proxies.remove(serviceOf(instance)),
    };
  }
}

const dependencyTemplate: UnitFile = {
  name: "bluechi-dep@.service",
  type: "oneshot",
  remainAfterExit: true,
  bindsTo: ["%i.service"],
  after: ["%i.service"],
};

/** Nodes each of which may depend on every other. */
export function nodeTerms(...names: string[]): NodeTerms[] {
  return [...new Set(names)].map((name) => ({
    name,
    allowedDependencies: new Set(names),
    requiredContext: "",
    requireTls: false,
    onTargetLost: "keep",
  }));
}

/** All hosts of a scenario. Every node may depend on every other. */
export class World {
  readonly clock = new FakeClock();
  readonly log: Log;
  /** What was logged, for a scenario that fails. */
  readonly trace: string[] = [];
  readonly random: Random;
  /** The controllers, the one that the agents prefer first; scenarios with one speak of that. */
  readonly stations: readonly Station[];
  readonly hosts: readonly Host[];
  readonly heartbeat: HeartbeatOptions;
  readonly #first: Station;

  constructor(
    names: readonly string[],
    seed: number,
    heartbeat = defaultHeartbeat,
    addresses: readonly string[] = ["the controller"],
  ) {
    this.heartbeat = heartbeat;
    this.random = new Random(seed);
    this.log = new Log({ level: "DEBUG", target: "journald", write: (line) => this.note(line.trimEnd()) });
    this.hosts = names.map((name) => new Host(name, this));
    const { clock, log } = this;
    const terms = { nodes: nodeTerms(...names), jobLostTimeoutMs, targetLostTimeoutMs };
    this.stations = addresses.map(
      (address, index) => new Station({ address, terms, seed: seed + 1 + index, clock, log, heartbeat }),
    );
    const [first] = this.stations;
    if (!first) throw new Error("a world needs a controller");
    this.#first = first;
  }

  get controller(): Controller {
    return this.#first.controller;
  }

  get network(): MemoryNetwork {
    return this.#first.network;
  }

  get recorder(): Recorder {
    return this.#first.recorder;
  }

  note(line: string): void {
    this.trace.push(`${this.clock.monotonicMs()} ${line}`);
  }

  host(name: string): Host {
    const found = this.hosts.find((host) => host.name === name);
    if (!found) throw new Error(`no host ${name}`);
    return found;
  }

  /** Has the controller, and those that come after it, take over another configuration. */
  reload(changes: Partial<ControllerTerms>): void {
    this.#first.reload(changes);
  }

  /** The controller dies and another is started in its place. */
  restartController(orderly: boolean): void {
    this.#first.stop(orderly);
    this.#first.restart();
  }

  /** Called whenever something may have happened. */
  watch: () => void = () => {};

  /** Lets time pass, and everything happen that falls due in it. */
  async run(ms: number): Promise<void> {
    const end = this.clock.monotonicMs() + ms;
    await turn();
    for (let next = this.clock.nextMs; next !== undefined && next <= end; next = this.clock.nextMs) {
      this.clock.advance(next - this.clock.monotonicMs());
      await turn();
      this.watch();
    }
    this.clock.advance(end - this.clock.monotonicMs());
    await turn();
    this.watch();
  }

  /** Ends everything. @returns how many timers are left then, which should be none. */
  async close(): Promise<number> {
    for (const host of this.hosts) await host.stop(true);
    for (const station of this.stations) station.close();
    await this.run(120_000);
    return this.clock.pending;
  }
}

/** Promises that are ready run on, to their ends. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
