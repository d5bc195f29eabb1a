import type { Cluster } from "./cluster/cluster.ts";
import type { Controller } from "./controller.ts";
import type { Listeners } from "./listeners.ts";
import { type ControllerSettings, type Security, securityOf } from "./settings.ts";

interface EntranceOptions {
  readonly service: { readonly settings: ControllerSettings };
  readonly cluster: Pick<Cluster, "name">;
  readonly controller: Pick<Controller, "nodes">;
  readonly listeners: () => Pick<Listeners, "review" | "trouble" | "inheritsPlain">;
}

/** How agents come in from other hosts, as far as it has to do with their certificates. */
export class Entrance {
  readonly #options: EntranceOptions;

  constructor(options: EntranceOptions) {
    this.#options = options;
  }

  /** Which links from other hosts are allowed now. */
  get security(): Security | "none" {
    const { service, cluster, listeners } = this.#options;
    const security = securityOf(service.settings, cluster.name !== undefined);
    if (service.settings.UseTCP) return security;
    return security !== "tls" && listeners().inheritsPlain ? "plain" : "none";
  }

  /** Why agents cannot come in as they may; undefined when they can. */
  get trouble(): string | undefined {
    return this.#options.listeners().trouble;
  }

  get tlsPort(): number {
    return this.#options.service.settings.TLSPort;
  }

  /** Whether a node may register, by the configuration or by its certificate. */
  configured(node: string): boolean {
    return this.#options.controller.nodes.has(node);
  }

  /** The nodes whose links would be cut by the first cluster. */
  get endangered(): string[] {
    const { service, cluster, controller } = this.#options;
    if (cluster.name !== undefined || securityOf(service.settings, true) !== "tls") return [];
    return [...controller.nodes.values()].filter(({ plain }) => plain).map(({ name }) => name);
  }

  /** Resolves when it is known whether agents can come in as they may now: see `trouble`. */
  async reviewed(): Promise<void> {
    await this.#options.listeners().review();
  }
}
