import type { Node } from "./node.ts";
import type { Reason, Subscriber } from "./subscriptions.ts";

/**
 * A unit of one node that a unit of another needs. `id` is the source agent's own number for it, undefined while that
 * agent is away.
 */
export interface SourceProxy {
  readonly source: Node;
  readonly dependency: Dependency;
  id: number | undefined;
}

/** A unit that proxies need, and who they are. Its dependency unit runs on the target as long as there is one. */
export class Dependency implements Subscriber {
  readonly target: Node;
  readonly unit: string;
  readonly proxies = new Set<SourceProxy>();
  subscription = 0;
  /** Whether the target's agent has been asked to start the dependency unit. */
  asked = false;

  constructor(target: Node, unit: string) {
    this.target = target;
    this.unit = unit;
  }

  unitNew(): void {}

  unitPropertiesChanged(): void {}

  unitRemoved(_node: string, _unit: string, reason: Reason): void {
    for (const { source, id } of this.proxies) {
      if (id !== undefined) source.emit("proxyTargetRemoved", { proxyId: id, reason });
    }
  }

  unitStateChanged(_node: string, _unit: string, activeState: string, subState: string, reason: Reason): void {
    for (const { source, id } of this.proxies) {
      if (id !== undefined) source.emit("proxyTargetChanged", { proxyId: id, activeState, subState, reason });
    }
  }
}

/** Why a node may not depend on another. */
export function denial(source: Node, target: Node): string {
  return `Proxy on node not allowed: '${source.name}' has no AllowDependenciesOn=${target.name}`;
}
