import type { Interface } from "./interface.ts";

/** An interface at a path, with what answers for it. */
export interface Part {
  readonly table: Interface;
  readonly methods: Readonly<Record<string, (args: object, caller: object) => unknown>>;
  readonly properties: Readonly<Record<string, () => unknown>>;
  readonly about?: unknown;
}

/** One label of the tree of object paths. A node is there as long as something is served at it or below it. */
export class ObjectNode {
  readonly children = new Map<string, ObjectNode>();
  parts: readonly Part[] = [];

  find(path: string): ObjectNode | undefined {
    let node: ObjectNode | undefined = this;
    for (const label of labels(path)) node = node?.children.get(label);
    return node;
  }

  add(path: string, part: Part): void {
    let node: ObjectNode = this;
    for (const label of labels(path)) {
      const child: ObjectNode = node.children.get(label) ?? new ObjectNode();
      node.children.set(label, child);
      node = child;
    }
    if (node.parts.some(({ table }) => table.name === part.table.name))
      throw new Error(`${part.table.name} is already served at ${path}`);
    node.parts = [...node.parts, part];
  }

  /** Takes away a part, and the nodes that are then empty. */
  remove(path: string, part: Part): void {
    this.#remove(labels(path), part);
  }

  #remove([label, ...rest]: readonly string[], part: Part): void {
    if (label === undefined) {
      this.parts = this.parts.filter((known) => known !== part);
      return;
    }
    const child = this.children.get(label);
    if (!child) return;
    child.#remove(rest, part);
    if (child.parts.length === 0 && child.children.size === 0) this.children.delete(label);
  }
}

function labels(path: string): string[] {
  return path.split("/").filter((label) => label !== "");
}
