// An agent that loses its controller again and again, as often as it comes back.
import { join } from "node:path";
import type { Host } from "../testbed/host.ts";
import type { Running } from "../testbed/running.ts";
import type { World } from "./world.ts";

export const relayPort = 8842;
const program = join(import.meta.dir, "relay.ts");
const configuration = "/etc/bluechi/agent.conf.d/zz-reconnecting.conf";
/** The agent says something soon after it has come, and comes back after no more than its first delay. */
const settings = `[bluechi-agent]\nControllerAddress=tcp:host=127.0.0.1,port=${relayPort}\nHeartbeatInterval=10\n`;

export class Reconnecting {
  readonly #world: World;
  readonly #host: Host;
  readonly #relay: Running;

  private constructor(world: World, host: Host, relay: Running) {
    this.#world = world;
    this.#host = host;
    this.#relay = relay;
  }

  /** Restarts a host's agent, with a relay between it and the controller. */
  static async on(world: World, host: Host): Promise<Reconnecting> {
    const relay = host.spawn([process.execPath, program, world.main.address]);
    await host.write(configuration, settings);
    await host.sh("systemctl restart bluechi-agent");
    const reconnecting = new Reconnecting(world, host, relay);
    await reconnecting.times(1);
    return reconnecting;
  }

  /** How often it has lost its controller so far. */
  get count(): number {
    return this.#relay.lines.length;
  }

  /** Resolves when it has lost it so often. */
  async times(count: number): Promise<void> {
    while (this.count < count) await this.#relay.line("cut");
  }

  /** Ends the losses, and restarts the agent. */
  async close(): Promise<void> {
    await this.#host.sh(`rm ${configuration} && systemctl restart bluechi-agent`);
    await this.#relay.kill();
    await this.#world.cluster.online(this.#host.name);
  }
}
