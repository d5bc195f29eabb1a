// A private network: a bridge in a namespace of its own, and one namespace with an eth0 for every host. Nothing of it is
// seen by the machine, so every lab may use the same addresses.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { must, run } from "./command.ts";

/**
 * How many datagrams wait in a unix socket. systemd asks for so many on a machine, but not where it is in a container; with the kernel's 10
 * journald has no room for some entries when it is busy, which then go other ways.
 */
const queuedDatagrams = 512;
const queueLimit = "/proc/sys/net/unix/max_dgram_qlen";
const subnet = "10.77.0";
const firstHost = 11;

export class Network {
  readonly #prefix: string;
  readonly #bridge: string;
  #hosts = 0;

  private constructor(prefix: string) {
    this.#prefix = prefix;
    this.#bridge = `${prefix}lan`;
  }

  static async open(prefix: string): Promise<Network> {
    const network = new Network(prefix);
    const bridge = network.#bridge;
    await must(["ip", "netns", "add", bridge]);
    await must(["ip", "-n", bridge, "link", "add", "br0", "type", "bridge"]);
    await must(["ip", "-n", bridge, "addr", "add", `${subnet}.1/24`, "dev", "br0"]);
    await must(["ip", "-n", bridge, "link", "set", "br0", "up"]);
    await must(["ip", "-n", bridge, "link", "set", "lo", "up"]);
    return network;
  }

  async plug(host: string): Promise<Plug> {
    const number = firstHost + this.#hosts++;
    const plug = new Plug(this.#bridge, `${this.#prefix}${host}`, number);
    await plug.connect();
    return plug;
  }
}

/** What becomes of packets on their way; what is left out is as it should be. */
export interface Trouble {
  /** The share of the packets to the host that vanish, from 0 to 1. */
  readonly lossIn?: number;
  /** The share of the packets from the host that vanish, from 0 to 1. */
  readonly lossOut?: number;
  /** Thousands of bits that pass in a second, in each direction. */
  readonly kilobits?: number;
}

/** A host's place in the network. */
export class Plug {
  readonly namespace: string;
  readonly address: string;
  readonly #bridge: string;
  readonly #port: string;
  /** The same whenever it is connected, as that of a real machine: others keep it in mind for a while. */
  readonly #hardwareAddress: string;
  #connected = false;

  constructor(bridge: string, namespace: string, number: number) {
    this.namespace = namespace;
    this.address = `${subnet}.${number}`;
    this.#bridge = bridge;
    this.#port = `v${number}`;
    this.#hardwareAddress = `02:00:00:00:00:${number.toString(16).padStart(2, "0")}`;
  }

  async connect(): Promise<void> {
    if (this.#connected) return;
    this.#connected = true;
    const peer = ["eth0", "address", this.#hardwareAddress, "netns", this.namespace];
    const inside = ["ip", "-n", this.namespace];
    const outside = ["ip", "-n", this.#bridge, "link"];
    await must(["ip", "netns", "add", this.namespace]);
    await must(["ip", "netns", "exec", this.namespace, "sh", "-c", `echo ${queuedDatagrams} >${queueLimit}`]);
    await must([...outside, "add", this.#port, "type", "veth", "peer", "name", ...peer]);
    await must([...outside, "set", this.#port, "master", "br0", "up"]);
    await must([...inside, "addr", "add", `${this.address}/24`, "dev", "eth0"]);
    await must([...inside, "link", "set", "eth0", "up"]);
    await must([...inside, "link", "set", "lo", "up"]);
  }

  /**
   * Takes the host's end of the network away, with all that its kernel knows of connections, which outlives its processes:
   * a machine without power takes leave of nobody, and answers nobody, until it is connected again.
   * @param work what happens to the host then.
   */
  async remove(work: () => Promise<void>): Promise<void> {
    // Since Linux 6.16 chains wait for a device of this name to come back.
    await this.#filter("");
    await must(["ip", "-n", this.#bridge, "link", "del", this.#port]);
    await work();
    await must(["ip", "netns", "del", this.namespace]);
    this.#connected = false;
  }

  /** Pulls the cable (or plugs it in again): packets vanish, and nobody is told. */
  async set(state: "up" | "down"): Promise<void> {
    await must(["ip", "-n", this.#bridge, "link", "set", this.#port, state]);
  }

  /** Disturbs the packets on their way. Of what disturbed them before nothing is left. */
  async disturb({ lossIn = 0, lossOut = 0, kilobits = 0 }: Trouble): Promise<void> {
    const chain = (hook: string, share: number) =>
      `chain ${hook} { type filter hook ${hook} device "${this.#port}" priority 0; ${vanish(share)}; };`;
    // What leaves the network at this port goes to the host.
    await this.#filter(`${chain("egress", lossIn)} ${chain("ingress", lossOut)}`);
    for (const end of [
      ["-n", this.#bridge, "qdisc", "replace", "dev", this.#port],
      ["-n", this.namespace, "qdisc", "replace", "dev", "eth0"],
    ]) {
      await must(["tc", ...end, "root", ...(kilobits > 0 ? thin(kilobits) : ["noqueue"])]);
    }
  }

  /** Has the port's packets go through these chains of nftables, and no others. */
  async #filter(chains: string): Promise<void> {
    const table = `table netdev ${this.#port}`;
    const rules = `${table}; delete ${table}; ${chains && `${table} { ${chains} };`}\n`;
    await must(["ip", "netns", "exec", this.#bridge, "nft", "-f", "-"], { input: rules });
  }
}

function vanish(share: number): string {
  if (share === 0 || share === 1) return share === 0 ? "accept" : "drop";
  return `numgen random mod 1000 < ${Math.round(share * 1000)} drop`;
}

/** A line that queues for so long as a cheap modem would, rather than lose what is too much for it (tc-tbf(8)). */
function thin(kilobits: number): string[] {
  return ["tbf", "rate", `${kilobits}kbit`, "burst", "3000", "latency", "2s"];
}

export async function removeNetworks(prefix: string): Promise<void> {
  const folder = "/run/netns";
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder)) if (name.startsWith(prefix)) await run(["ip", "netns", "del", name]);
}
