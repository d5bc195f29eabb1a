// A lab: real systemd hosts on this machine, on a network of their own. Each host is systemd as process 1 in its own
// namespaces and control group, over an overlay of the ground (this machine's root).
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type Claim, claim, keep, prefix, release } from "./claim.ts";
import { must } from "./command.ts";
import { makeRoot } from "./disk.ts";
import { type Ground, ground } from "./ground.ts";
import { hostHierarchies } from "./groups.ts";
import { Host } from "./host.ts";
import { Network } from "./network.ts";

/** Every host takes about 7 inotify instances of the machine's; the usual limit of 128 stalls the 18th at its boot. */
const inotifyInstances = 4096;
const buildTimeoutMs = 600_000;

export interface LabOptions {
  /** Whether the hosts have the product, as `make install` lays it out. */
  readonly installed?: boolean;
  /** Further folders laid over the ground in every host, the first on top; they may not lie on this machine's file system. */
  readonly layers?: readonly string[];
  /** Pure cgroup v2 inside the hosts (freezing units needs it) where this machine still has v1 and v2 side by side. */
  readonly unified?: boolean;
}

type SameLength<Names extends readonly string[]> = { [I in keyof Names]: Host };

export class Lab {
  readonly id: string;
  readonly hosts: Host[] = [];
  readonly #claim: Claim;
  readonly #network: Network;
  readonly #ground: Ground;
  readonly #layers: readonly string[];
  readonly #unified: boolean;
  readonly #installed: boolean;

  private constructor(
    owned: Claim,
    network: Network,
    under: Ground,
    layers: readonly string[],
    { unified = false, installed = false }: LabOptions,
  ) {
    this.id = owned.id;
    this.#claim = owned;
    this.#network = network;
    this.#ground = under;
    this.#layers = layers;
    this.#unified = unified;
    this.#installed = installed;
  }

  static async open(options: LabOptions = {}): Promise<Lab> {
    await raiseInotifyLimit();
    const under = await ground();
    const owned = await claim();
    const network = await Network.open(prefix(owned.id));
    const layers = [...(options.layers ?? [])];
    if (options.installed === true) layers.push(await install(`${owned.folder}/installed`));
    const unified = options.unified === true || !hostHierarchies().includes("hybrid");
    return new Lab(owned, network, under, layers, { ...options, unified });
  }

  /** Makes hosts that are still off, so that files can be written before their first boot. */
  async prepare<const Names extends readonly string[]>(...names: Names): Promise<SameLength<Names>> {
    const hosts: Host[] = [];
    for (const name of names) hosts.push(await this.#make(name));
    this.hosts.push(...hosts);
    // As packages do it; a host that boots over this machine's /etc thinks that it has been done.
    if (this.#installed) await Promise.all(hosts.map((host) => host.sh("systemd-sysusers bluechi.conf")));
    const table = this.hosts.map((host) => `${host.address} ${host.name}\n`).join("");
    await Promise.all(
      this.hosts.map((host) => host.write("/etc/hosts", `127.0.0.1 localhost\n::1 localhost\n${table}`)),
    );
    return hosts as SameLength<Names>;
  }

  /** Makes hosts and boots them, all at the same time. */
  async boot<const Names extends readonly string[]>(...names: Names): Promise<SameLength<Names>> {
    const hosts = await this.prepare(...names);
    await Promise.all(hosts.map((host) => host.start()));
    return hosts;
  }

  async #make(name: string): Promise<Host> {
    const folder = `${this.#claim.folder}/${name}`;
    await mkdir(folder);
    const root = await makeRoot(folder, name, [...this.#layers, this.#ground.root]);
    const plug = await this.#network.plug(name);
    return new Host(plug, {
      hostname: name,
      root,
      name: `${prefix(this.id)}${name}`,
      namespace: plug.namespace,
      folder,
      unified: this.#unified,
      shared: this.#ground.shared,
    });
  }

  /** What the hosts' BlueChi units logged. */
  async journals(): Promise<string> {
    const on = this.hosts.filter((host) => host.isOn);
    const logs = await Promise.all(on.map(async (host) => `--- ${host.name}\n${await host.journal("bluechi*")}`));
    return logs.join("");
  }

  /** Lets the hosts outlive this process; `cli.ts` gets into them and takes them down. */
  async keep(): Promise<void> {
    await keep(this.id);
  }

  async close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.close()));
    await release(this.id);
  }
}

async function install(folder: string): Promise<string> {
  const top = join(import.meta.dir, "../..");
  const make = ["make", "--silent", "-C", top, "install", `DESTDIR=${folder}`, "PREFIX=/usr"];
  await must(make, { timeoutMs: buildTimeoutMs });
  return folder;
}

async function raiseInotifyLimit(): Promise<void> {
  const file = "/proc/sys/fs/inotify/max_user_instances";
  if (Number(await readFile(file, "utf8")) < inotifyInstances) await writeFile(file, `${inotifyInstances}`);
}
