import type { Cluster } from "./cluster/cluster.ts";
import type { Controller } from "./controller.ts";
import type { Listeners } from "./listeners.ts";
import { type ControllerSettings, type Security, securityOf } from "./settings.ts";

interface EntranceOptions {
  readonly service: { readonly settings: ControllerSettings };
  readonly cluster: Pick<Cluster, "name">;
  readonly controller: Pick<Controller, "nodes">;
  readonly listeners: () => Pick<Listeners, "review">;
}

/** How agents come in from other hosts, as far as it has to do with their certificates. */
export class Entrance {
  readonly #options: EntranceOptions;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Which links from other hosts are allowed now. */
  get security(): Security | "none" {
    const { service, cluster } = this.#options;
    return service.settings.UseTCP ? securityOf(service.settings, cluster.name !== undefined) : "none";
  }

  get tlsPort(): number {
    return this.#options.service.settings.TLSPort;
  }

  /** The nodes whose links would be cut by the first cluster. */
  get endangered(): string[] {
    const { service, cluster, controller } = this.#options;
    if (cluster.name !== undefined || securityOf(service.settings, true) !== "tls") return [];
    return [...controller.nodes.values()].filter(({ plain }) => plain).map(({ name }) => name);
  }

  /** Resolves when agents can come in as they may now. */
  async opened(): Promise<void> {
    await this.#options.listeners().review();
  }
}
