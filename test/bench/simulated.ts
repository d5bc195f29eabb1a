// Agents without a host of their own (fleet.ts), all in one process that shares the network of `node`.
import { join } from "node:path";
import type { Running } from "../testbed/running.ts";
import type { World } from "./world.ts";

const configuration = "/etc/bluechi/controller.conf.d/zz-fleet.conf";
const program = join(import.meta.dir, "fleet.ts");
const timeoutMs = 60_000;
export const fleetNode = (index: number) => `fleet${index}`;

/** Lets so many agents in while work is done. */
export async function withFleetAllowed<T>(world: World, size: number, work: () => Promise<T>): Promise<T> {
  const sections = Array.from({ length: size }, (_, index) => `[node ${fleetNode(index)}]\nAllowed=yes\n`);
  await world.main.write(configuration, sections.join(""));
  await world.restart();
  try {
    return await work();
  } finally {
    await world.main.sh(`rm ${configuration}`);
    await world.restart();
  }
}

/** When all are online: how long after the first began to connect, or was lost, and when that is; in milliseconds. */
interface Online {
  readonly afterMs: number;
  readonly atMs: number;
}

export class Fleet {
  readonly #running: Running;

  private constructor(running: Running) {
    this.#running = running;
  }

  /** Connects so many agents at once. */
  static async open({ main, node }: World, size: number): Promise<{ fleet: Fleet; online: Online }> {
    const fleet = new Fleet(node.spawn([process.execPath, program, main.address, "fleet", `${size}`]));
    try {
      return { fleet, online: await fleet.online() };
    } catch (error) {
      await fleet.close();
      throw error;
    }
  }

  /** Waits until all are online, again. */
  async online(): Promise<Online> {
    const [afterMs, atUs] = (await this.#running.line(/^all online/, timeoutMs)).match(/\d+/g) ?? [];
    return { afterMs: Number(afterMs), atMs: Number(atUs) / 1000 };
  }

  async close(): Promise<void> {
    await this.#running.kill();
    await this.#running.exited;
  }
}
