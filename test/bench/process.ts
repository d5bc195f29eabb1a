// What the kernel says of a daemon of ours.
import type { Host } from "../testbed/host.ts";

/** The kernel counts time used in these (USER_HZ), on every architecture that Linux runs on today. */
const ticksPerSecond = 100;

export interface Memory {
  /** All pages, in MB; those of the executable, which all its processes share, among them. */
  readonly rss: number;
  /** The pages that belong to the process alone, in MB. */
  readonly anonymous: number;
}

export class Daemon {
  readonly name: string;
  readonly #host: Host;
  readonly #unit: string;

  constructor(host: Host, unit: string) {
    this.name = `${unit.replace("bluechi-", "")} on ${host.name}`;
    this.#host = host;
    this.#unit = unit;
  }

  /** CPU time used so far, in milliseconds. */
  async cpuMs(): Promise<number> {
    const stat = await this.#read("stat");
    const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    return ((Number(fields[11]) + Number(fields[12])) * 1000) / ticksPerSecond;
  }

  async memory(): Promise<Memory> {
    const status = await this.#read("status");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
    return { rss: field("VmRSS"), anonymous: field("RssAnon") };
  }

  /** How many files it has open. */
  async files(): Promise<number> {
    return Number(await this.#host.sh(`ls /proc/${await this.#pid()}/fd | wc -l`));
  }

  async #read(file: string): Promise<string> {
    return this.#host.sh(`cat /proc/${await this.#pid()}/${file}`);
  }

  async #pid(): Promise<number> {
    return Number(await this.#host.sh(`systemctl show -P MainPID ${this.#unit}`));
  }
}
