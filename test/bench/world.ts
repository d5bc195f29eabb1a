// Hosts with what the benchmark needs: `main` with the controller, `node`, and further ones when they are asked for.
import { BusConnection } from "../../src/bus/connection.ts";
import { Cluster } from "../e2e/cluster.ts";
import type { Host } from "../testbed/host.ts";
import { Caller } from "./caller.ts";
import { bluechiJobs, type Jobs, systemdJobs } from "./job-clients.ts";
import { connectPrivately } from "./private-socket.ts";
import { Daemon, type Meter, Process, systemBusOf } from "./process.ts";
import type { CpuName } from "./report.ts";

export const target = "bench.target";
export const service = "bench.service";
/** How many jobs load.ts has going at once, each with a target of its own. */
export const lanes = 4;
export const lane = (index: number) => `bench-lane${index}.target`;

/** A target out of many, which need no file of their own. */
export const many = (index: number) => `bench-many@${index}.target`;

const unlimited = "StartLimitIntervalSec=0";
const needs = (unit: string) => `Wants=${unit}\nAfter=${unit}`;
const sleeper = (unitLines: string) => `[Unit]\n${unitLines}\n${unlimited}\n[Service]\nExecStart=sleep infinity\n`;

/** What every host has. */
const everywhere: Record<string, string> = {
  "bluechi-agent.service.d/bench.conf": `[Unit]\n${unlimited}\n`,
  [target]: `[Unit]\n${unlimited}\n`,
  [service]: `[Unit]\n${unlimited}\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n`,
  "bench-many@.target": `[Unit]\n${unlimited}\n`,
  "bench-cdn.service": sleeper("StopWhenUnneeded=yes"),
  "bench-cdn@.service": sleeper("StopWhenUnneeded=yes"),
  ...Object.fromEntries(Array.from({ length: lanes }, (_, index) => [lane(index), `[Unit]\n${unlimited}\n`])),
};

const onMain: Record<string, string> = {
  "bluechi-controller.service.d/bench.conf": `[Unit]\n${unlimited}\n`,
  "bench-source.service": sleeper(needs("bluechi-proxy@node_bench-cdn.service")),
  "bench-local-source.service": sleeper(needs("bench-cdn.service")),
  "bench-fan@.service": sleeper(needs("bluechi-proxy@node_bench-cdn@%i.service")),
  "bench-local-fan@.service": sleeper(needs("bench-cdn@%i.service")),
};

export class World {
  readonly cluster: Cluster;
  readonly controller: Daemon;
  readonly agent: Daemon;
  readonly #connections: { close(): void }[] = [];

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.controller = new Daemon(cluster.host("main"), "bluechi-controller");
    this.agent = new Daemon(cluster.host("node"), "bluechi-agent");
  }

  /** @param further hosts beside `main` and `node`. */
  static async open(...further: string[]): Promise<World> {
    const options = { controller: "[node main]\nAllowDependenciesOn=node" };
    const cluster = await Cluster.start(["main", "node", ...further], options);
    const world = new World(cluster);
    for (const host of cluster.hosts) {
      // Tests log everything, which costs; people do not.
      for (const role of ["controller", "agent"])
        await host.write(`/etc/bluechi/${role}.conf.d/zz-bench.conf`, `[bluechi-${role}]\nLogLevel=INFO\n`);
      for (const [name, text] of Object.entries({ ...everywhere, ...(host === cluster.main ? onMain : {}) }))
        await host.write(`/etc/systemd/system/${name}`, text);
      await host.sh("systemctl daemon-reload");
    }
    await world.restart();
    return world;
  }

  get main(): Host {
    return this.cluster.host("main");
  }

  get node(): Host {
    return this.cluster.host("node");
  }

  /** Starts all daemons afresh. */
  async restart(): Promise<void> {
    await this.main.sh("systemctl restart bluechi-controller");
    await Promise.all(this.cluster.hosts.map((host) => host.sh("systemctl restart bluechi-agent")));
    for (const { name } of this.cluster.hosts) await this.cluster.online(name);
  }

  /** A connection to a host's system bus. */
  async bus(host: Host): Promise<BusConnection> {
    return this.#keep(await BusConnection.open(`unix:path=${await systemBusOf(host)}`));
  }

  /** A connection to a host's system bus that costs next to nothing. */
  async caller(host: Host): Promise<Caller> {
    return this.#keep(await Caller.toBus(await systemBusOf(host)));
  }

  /** A connection to a host's systemd itself, likewise. */
  async systemd(host: Host): Promise<Caller> {
    return this.#keep(await Caller.toPeer(await connectPrivately(host)));
  }

  #keep<C extends { close(): void }>(connection: C): C {
    this.#connections.push(connection);
    return connection;
  }

  /** The ways to have jobs done on a node. */
  async jobs(node: Host = this.node): Promise<{ bluechi: Jobs; systemd: Jobs }> {
    return { bluechi: await this.controllerJobs(node.name), systemd: systemdJobs(await this.systemd(node)) };
  }

  async controllerJobs(node: string): Promise<Jobs> {
    return bluechiJobs(await this.caller(this.main), node);
  }

  /** Who takes part in what is done on nodes: the agents, systemds and buses there, the controller and its bus. */
  async meter(nodes: readonly Host[] = [this.node]): Promise<Meter<CpuName>> {
    const of = (unit: string, hosts: Iterable<Host>) =>
      Promise.all([...hosts].map((host) => new Daemon(host, unit).process()));
    return {
      controller: [await this.controller.process()],
      agent: await of("bluechi-agent", nodes),
      bus: await of("dbus", new Set([this.main, ...nodes])),
      systemd: await Promise.all(nodes.map((host) => Process.of(host, 1))),
    };
  }

  /** Ends what a part connected. */
  disconnect(): void {
    for (const connection of this.#connections.splice(0)) connection.close();
  }

  async close(): Promise<void> {
    this.disconnect();
    await this.cluster.close();
  }
}
