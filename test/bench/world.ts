// Two hosts with what the benchmark needs: `main` with the controller, and `node`.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { BusConnection } from "../../src/bus/connection.ts";
import { Cluster } from "../e2e/cluster.ts";
import type { Host } from "../testbed/host.ts";
import { bluechiJobs, type Jobs, systemdJobs } from "./job-clients.ts";
import { Daemon } from "./process.ts";

export const target = "bench.target";
export const service = "bench.service";
/** How many jobs load.ts has going at once, each with a target of its own. */
export const lanes = 4;
export const lane = (index: number) => `bench-lane${index}.target`;

const unlimited = "StartLimitIntervalSec=0";
const units: Record<string, Record<string, string>> = {
  main: {
    "bluechi-controller.service.d/bench.conf": `[Unit]\n${unlimited}\n`,
    "bluechi-agent.service.d/bench.conf": `[Unit]\n${unlimited}\n`,
    "bench-source.service":
      "[Unit]\nWants=bluechi-proxy@node_bench-cdn.service\nAfter=bluechi-proxy@node_bench-cdn.service\n" +
      `${unlimited}\n[Service]\nExecStart=sleep infinity\n`,
  },
  node: {
    "bluechi-agent.service.d/bench.conf": `[Unit]\n${unlimited}\n`,
    [target]: `[Unit]\n${unlimited}\n`,
    [service]: `[Unit]\n${unlimited}\n[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=/bin/true\n`,
    "bench-cdn.service": `[Unit]\nStopWhenUnneeded=yes\n${unlimited}\n[Service]\nExecStart=sleep infinity\n`,
    ...Object.fromEntries(Array.from({ length: lanes }, (_, index) => [lane(index), `[Unit]\n${unlimited}\n`])),
  },
};

export class World {
  readonly cluster: Cluster;
  readonly controller: Daemon;
  readonly agent: Daemon;
  readonly #connections: BusConnection[] = [];

  private constructor(cluster: Cluster) {
    this.cluster = cluster;
    this.controller = new Daemon(cluster.host("main"), "bluechi-controller");
    this.agent = new Daemon(cluster.host("node"), "bluechi-agent");
  }

  static async open(): Promise<World> {
    const cluster = await Cluster.start(["main", "node"], { controller: "[node main]\nAllowDependenciesOn=node" });
    const world = new World(cluster);
    for (const host of cluster.hosts) {
      // Tests log everything, which costs; people do not.
      for (const role of ["controller", "agent"])
        await host.write(`/etc/bluechi/${role}.conf.d/zz-bench.conf`, `[bluechi-${role}]\nLogLevel=INFO\n`);
      for (const [name, text] of Object.entries(units[host.name] ?? {}))
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
    await this.main.sh("systemctl restart bluechi-controller bluechi-agent");
    await this.node.sh("systemctl restart bluechi-agent");
    for (const { name } of this.cluster.hosts) await this.cluster.online(name);
  }

  /** A connection to a host's system bus. systemd's private socket takes only who lives on the host. */
  async bus(host: Host): Promise<BusConnection> {
    const leader = await readFile(join(host.root, "../leader"), "utf8");
    const connection = await BusConnection.open(`unix:path=/proc/${leader}/root/run/dbus/system_bus_socket`);
    this.#connections.push(connection);
    return connection;
  }

  /** The ways to have jobs done on `node`. */
  async jobs(): Promise<{ bluechi: Jobs; systemd: Jobs }> {
    return {
      bluechi: await bluechiJobs(await this.bus(this.main), "node"),
      systemd: await systemdJobs(await this.bus(this.node)),
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
