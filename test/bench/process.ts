// What the kernel says of a process of a host.
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import type { Host } from "../testbed/host.ts";

export interface Memory {
  /** All pages, in MB; those of the executable, which all its processes share, among them. */
  readonly rss: number;
  /** The pages that belong to the process alone, in MB. */
  readonly anonymous: number;
}

/** Where a host's files are for a process of this machine, as long as the host is on: its /proc is among them. */
export async function inside(host: Host): Promise<string> {
  return `/proc/${await leader(host)}/root`;
}

/** The id of the host's process 1, as this machine sees it. */
async function leader(host: Host): Promise<string> {
  return readFile(join(host.root, "../leader"), "utf8");
}

/** Where this machine finds a host's system bus. */
export async function systemBusOf(host: Host): Promise<string> {
  return `${await inside(host)}/run/dbus/system_bus_socket`;
}

export class Process {
  readonly #folder: string;
  /** The CPU time of each thread, as it was seen last: one that has ended keeps what it had. */
  readonly #threads = new Map<string, number>();

  private constructor(folder: string) {
    this.#folder = folder;
  }

  static async of(host: Host, pid: number): Promise<Process> {
    return new Process(`${await inside(host)}/proc/${pid}`);
  }

  /** CPU time used so far, in microseconds, by the threads that there are or were when this was asked before. */
  async cpuUs(): Promise<number> {
    const look = async (task: string) => {
      // One that ends meanwhile has no file any more.
      const stat = await readFile(`${this.#folder}/task/${task}/schedstat`, "utf8").catch(() => undefined);
      if (stat) this.#threads.set(task, Number(stat.split(" ")[0]) / 1000);
    };
    await Promise.all((await readdir(`${this.#folder}/task`)).map(look));
    return [...this.#threads.values()].reduce((sum, us) => sum + us, 0);
  }

  async memory(): Promise<Memory> {
    const status = await readFile(`${this.#folder}/status`, "utf8");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, "m").exec(status)?.[1]) / 1024;
    return { rss: field("VmRSS"), anonymous: field("RssAnon") };
  }

  /** How many files it has open. */
  async files(): Promise<number> {
    return (await readdir(`${this.#folder}/fd`)).length;
  }
}

/** A service of a host, whose process changes when it is restarted. */
export class Daemon {
  readonly name: string;
  readonly #host: Host;
  readonly #unit: string;

  constructor(host: Host, unit: string) {
    this.name = `${unit.replace("bluechi-", "")} on ${host.name}`;
    this.#host = host;
    this.#unit = unit;
  }

  /** The process that there is now. */
  async process(): Promise<Process> {
    return Process.of(this.#host, Number(await this.#host.sh(`systemctl show -P MainPID ${this.#unit}`)));
  }

  /** When its process was executed, in milliseconds of CLOCK_MONOTONIC. */
  async execMs(): Promise<number> {
    return Number(await this.#host.sh(`systemctl show -P ExecMainStartTimestampMonotonic ${this.#unit}`)) / 1000;
  }

  async cpuUs(): Promise<number> {
    return (await this.process()).cpuUs();
  }

  async memory(): Promise<Memory> {
    return (await this.process()).memory();
  }

  async files(): Promise<number> {
    return (await this.process()).files();
  }
}

/** Processes that are counted together, by what they are called in a table. */
export type Meter<Name extends string = string> = Readonly<Record<Name, readonly Process[]>>;

/** CPU time used so far, in microseconds. */
export async function readMeter<Name extends string>(meter: Meter<Name>): Promise<Record<Name, number>> {
  const entries = Object.entries<readonly Process[]>(meter).map(async ([name, processes]) => {
    const times = await Promise.all(processes.map((process) => process.cpuUs()));
    return [name, times.reduce((sum, time) => sum + time, 0)];
  });
  return Object.fromEntries(await Promise.all(entries)) as Record<Name, number>;
}

/** CPU time that work takes, in microseconds. */
export async function cpuOf<Name extends string>(
  meter: Meter<Name>,
  work: () => Promise<unknown>,
): Promise<Record<Name, number>> {
  const before = await readMeter(meter);
  await work();
  const after = await readMeter(meter);
  const names = Object.keys(before) as Name[];
  return Object.fromEntries(names.map((name) => [name, after[name] - before[name]])) as Record<Name, number>;
}

export interface Traffic {
  readonly bytes: number;
  readonly packets: number;
}

const counting = `
table inet bench {
  counter wire {}
  chain in { type filter hook input priority 0; tcp sport 842 counter name wire; }
  chain out { type filter hook output priority 0; tcp dport 842 counter name wire; }
}`;

/** What passes between a host's agent and its controller while work is done, both ways, with the headers of IP and TCP. */
export async function trafficOf(host: Host, work: () => Promise<unknown>): Promise<Traffic> {
  await host.sh(`nft '${counting}'`);
  await work();
  const [, packets, bytes] = /packets (\d+) bytes (\d+)/.exec(await host.sh("nft list counter inet bench wire")) ?? [];
  await host.sh("nft delete table inet bench");
  return { bytes: Number(bytes), packets: Number(packets) };
}
