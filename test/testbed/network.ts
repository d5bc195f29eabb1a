// A private network: a bridge in a namespace of its own, and one namespace with an eth0 for every host. Nothing of it is
// seen by the machine, so every lab may use the same addresses.
import { existsSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { must, run } from "./command.ts";

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
    const plug = new Plug(this.#bridge, `${this.#prefix}${host}`, `v${number}`, `${subnet}.${number}`);
    await plug.connect();
    return plug;
  }
}

/** A host's place in the network. */
export class Plug {
  readonly namespace: string;
  readonly address: string;
  readonly #bridge: string;
  readonly #port: string;

  constructor(bridge: string, namespace: string, port: string, address: string) {
    this.namespace = namespace;
    this.address = address;
    this.#bridge = bridge;
    this.#port = port;
  }

  async connect(): Promise<void> {
    const inside = ["ip", "-n", this.namespace];
    const outside = ["ip", "-n", this.#bridge, "link"];
    await must(["ip", "netns", "add", this.namespace]);
    await must([...outside, "add", this.#port, "type", "veth", "peer", "name", "eth0", "netns", this.namespace]);
    await must([...outside, "set", this.#port, "master", "br0", "up"]);
    await must([...inside, "addr", "add", `${this.address}/24`, "dev", "eth0"]);
    await must([...inside, "link", "set", "eth0", "up"]);
    await must([...inside, "link", "set", "lo", "up"]);
  }

  /** Pulls the cable (or plugs it in again): packets vanish, and nobody is told. */
  async set(state: "up" | "down"): Promise<void> {
    await must(["ip", "-n", this.#bridge, "link", "set", this.#port, state]);
  }
}

export async function removeNetworks(prefix: string): Promise<void> {
  const folder = "/run/netns";
  if (!existsSync(folder)) return;
  for (const name of await readdir(folder)) if (name.startsWith(prefix)) await run(["ip", "netns", "del", name]);
}
