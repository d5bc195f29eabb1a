// A cluster on the hosts of a lab: the first host is the controller's, and every host has an agent.
import type { Outcome } from "../testbed/command.ts";
import type { Host } from "../testbed/host.ts";
import { Lab, type LabOptions } from "../testbed/lab.ts";
import type { Certificates } from "./certificates.ts";

export interface ClusterOptions extends Pick<LabOptions, "unified"> {
  /** Lines for controller.conf after AllowedNodeNames, for example sections of nodes. */
  readonly controller?: string;
  /** Lines for every agent's configuration. */
  readonly agent?: string;
  /** Makes all hosts nodes with certificates, so that the links between them have TLS. */
  readonly certificates?: Certificates;
}

const startAll = "systemctl daemon-reload && systemctl start bluechi-controller bluechi-agent";

export class Cluster {
  readonly lab: Lab;
  readonly hosts: readonly Host[];

  private constructor(lab: Lab, hosts: readonly Host[]) {
    this.lab = lab;
    this.hosts = hosts;
  }

  /** Boots hosts with these names, and returns when all their agents are online. */
  static async start(names: readonly string[], options: ClusterOptions = {}): Promise<Cluster> {
    const lab = await Lab.open({ installed: true, unified: options.unified ?? false });
    try {
      const hosts = await lab.boot(...names);
      const cluster = new Cluster(lab, hosts);
      await cluster.#configure(options);
      await cluster.main.sh(startAll);
      await Promise.all(hosts.slice(1).map((host) => host.sh("systemctl start bluechi-agent")));
      for (const name of names) await cluster.online(name);
      return cluster;
    } catch (error) {
      console.error(await lab.journals());
      await lab.close();
      throw error;
    }
  }

  /** The host with the controller. */
  get main(): Host {
    return this.host(0);
  }

  host(nameOrIndex: string | number): Host {
    const found =
      typeof nameOrIndex === "number" ? this.hosts[nameOrIndex] : this.hosts.find(({ name }) => name === nameOrIndex);
    if (!found) throw new Error(`no host ${nameOrIndex}`);
    return found;
  }

  /** Runs bluechictl on the controller's host. */
  ctl(...argv: string[]): Promise<Outcome> {
    return this.main.run(["bluechictl", ...argv]);
  }

  async online(name: string): Promise<void> {
    await this.#status(name, "online");
  }

  async offline(name: string): Promise<void> {
    await this.#status(name, "offline");
  }

  /** Writes a service on a host. @param lines of its `[Service]`, or whole sections. */
  async service(host: string, name: string, lines: string): Promise<void> {
    const text = lines.includes("[Service]") ? lines : `[Service]\n${lines}\n`;
    await this.host(host).write(`/etc/systemd/system/${name}`, text);
    await this.host(host).sh("systemctl daemon-reload");
  }

  /** ActiveState of a unit. */
  async state(host: string, unit: string): Promise<string> {
    return (await this.host(host).sh(`systemctl show -P ActiveState '${unit}'`)).trim();
  }

  /** Waits until a unit has a state. */
  async reaches(host: string, unit: string, state: string): Promise<void> {
    await this.host(host).until(`${unit} to be ${state}`, async () => {
      const now = await this.state(host, unit);
      if (now !== state) throw new Error(now);
      return true;
    });
  }

  async close(): Promise<void> {
    await this.lab.close();
  }

  async #status(name: string, status: string): Promise<void> {
    await this.main.until(`node ${name} to be ${status}`, async () => {
      const { stdout, stderr } = await this.ctl("status", name);
      if (!stdout.includes(`| ${status}`)) throw new Error(stdout + stderr);
      return true;
    });
  }

  async #configure({ controller = "", agent = "", certificates }: ClusterOptions): Promise<void> {
    await certificates?.toController(this.main);
    for (const host of this.hosts) await certificates?.toAgent(host);
    const names = this.hosts.map(({ name }) => name).join(",");
    await this.main.write(
      "/etc/bluechi/controller.conf.d/test.conf",
      `[bluechi-controller]\nAllowedNodeNames=${names}\nLogLevel=DEBUG\n${controller}\n`,
    );
    for (const host of this.hosts) {
      const text = `[bluechi-agent]\nNodeName=${host.name}\nControllerHost=${this.main.name}\nLogLevel=DEBUG\n${agent}\n`;
      await host.write("/etc/bluechi/agent.conf.d/test.conf", text);
    }
  }
}
