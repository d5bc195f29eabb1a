import type { PublicInterface } from "../../api/access.ts";
import { clusterInterface } from "../../api/cluster.ts";
import { controllerInterface } from "../../api/controller.ts";
import { metricsInterface } from "../../api/metrics.ts";
import { monitorInterface } from "../../api/monitor.ts";
import { clusterPath, controllerName, metricsPath, nodePath, rootPath } from "../../api/names.ts";
import { nodeInterface } from "../../api/node.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { type Client, client } from "../../bus/client.ts";
import { BusConnection } from "../../bus/connection.ts";
import type { TerminalAgent } from "./terminal-agent.ts";
import { Trouble } from "./trouble.ts";

const nodesPath = `${rootPath}/node`;
const propertiesInterface = "org.freedesktop.DBus.Properties";

/** A connection to the bus that the controller is on, and callers of its objects. */
export class Session {
  readonly #connection: BusConnection;
  readonly #interactive: boolean;
  #agent: Promise<TerminalAgent | undefined> | undefined;
  readonly controller: Client<typeof controllerInterface>;

  private constructor(connection: BusConnection, interactive: boolean) {
    this.#connection = connection;
    this.#interactive = interactive;
    this.controller = this.#client(rootPath, controllerInterface);
  }

  /**
   * @param interactive whether somebody is at a terminal whom polkit may ask for a password.
   * @throws Trouble when there is no bus.
   */
  static async open({ interactive = false } = {}): Promise<Session> {
    try {
      return new Session(await BusConnection.open(systemBusAddress(), { interactive }), interactive);
    } catch (thrown) {
      throw new Trouble([`Failed to connect to the system bus: ${describe(thrown)}`]);
    }
  }

  node(name: string): Client<typeof nodeInterface> {
    return this.#client(nodePath(name), nodeInterface);
  }

  nodeAt(path: string): Client<typeof nodeInterface> {
    return this.#client(path, nodeInterface);
  }

  metrics(): Client<typeof metricsInterface> {
    return this.#client(metricsPath, metricsInterface);
  }

  cluster(): Client<typeof clusterInterface> {
    return this.#client(clusterPath, clusterInterface);
  }

  /** A new monitor; it hears nothing before it subscribes, and ends with this connection. */
  async createMonitor(): Promise<{ path: string; monitor: Client<typeof monitorInterface> }> {
    const { monitor: path } = await this.controller.call("CreateMonitor", {});
    const monitor = this.#client(path, monitorInterface);
    await monitor.match();
    return { path, monitor };
  }

  /** Calls `changed` whenever properties of any node change. */
  async onNodesChanged(changed: () => void): Promise<void> {
    this.#connection.onSignal((signal) => {
      if (signal.interface === propertiesInterface && signal.path.startsWith(`${nodesPath}/`)) changed();
    });
    await this.#connection.addMatch({
      type: "signal",
      sender: controllerName,
      pathNamespace: nodesPath,
      interface: propertiesInterface,
      member: "PropertiesChanged",
      arg0: nodeInterface.name,
    });
  }

  /** Fails when the controller leaves the bus, or the bus us; so nothing waits for what will not come. */
  gone(): Promise<never> {
    return new Promise((_, reject) => {
      const fail = (message: string) => reject(new Failure(ErrorName.NoReply, message));
      this.#connection.onClose(() => fail("The connection to the bus was lost"));
      this.#connection.watchName(controllerName, () => fail("The controller has left the bus"));
    });
  }

  async close(): Promise<void> {
    this.#connection.close();
    await (await this.#agent)?.end();
  }

  #client<const I extends PublicInterface>(path: string, table: I): Client<I> {
    const typed: Client<I> = client(this.#connection, controllerName, path, table);
    if (!this.#interactive || process.getuid?.() === 0) return typed;
    // Who only reads is asked for nothing.
    const isPrivileged = (method: string) => typeof table.methods[method]?.access === "object";
    return {
      ...typed,
      call: async (method, ...rest) => {
        if (isPrivileged(method)) await this.#canAsk();
        return typed.call(method, ...rest);
      },
    };
  }

  /** Returns once polkit can ask on this terminal, if it ever can. */
  async #canAsk(): Promise<void> {
    this.#agent ??= import("./terminal-agent.ts").then(({ TerminalAgent }) => TerminalAgent.start());
    await this.#agent;
  }
}
