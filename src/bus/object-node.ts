import type { Interface } from "./interface.ts";

/** An interface at a path, with what answers for it. */
export interface Part {
  readonly table: Interface;
  readonly methods: Readonly<Record<string, (args: object, caller: object) => unknown>>;
  readonly properties: Readonly<Record<string, () => unknown>>;
  readonly about?: unknown;
}

/** One object path. */
export interface ObjectNode {
  parts: readonly Part[];
  /** The last labels of the paths right below. */
  readonly children: Set<string>;
}

/** The tree of object paths. A path is there as long as something is served at it or below it, and the root always. */
export class ObjectNodes {
  /** By path, so that a call finds its object at once. */
  readonly #nodes = new Map<string, ObjectNode>([["/", newNode()]]);

  find(path: string): ObjectNode | undefined {
    return this.#nodes.get(path);
  }

  add(path: string, part: Part): void {
    const node = this.#at(path);
    if (node.parts.some(({ table }) => table.name === part.table.name))
      throw new Error(`${part.table.name} is already served at ${path}`);
    node.parts = [...node.parts, part];
  }

  /** Takes away a part, and the paths at and above which there is nothing then. */
  remove(path: string, part: Part): void {
    const node = this.#nodes.get(path);
    if (!node) return;
    node.parts = node.parts.filter((known) => known !== part);
    this.#prune(path, node);
  }

  #at(path: string): ObjectNode {
    let node = this.#nodes.get(path);
    if (!node) {
      node = newNode();
      this.#nodes.set(path, node);
      const { parent, label } = split(path);
      this.#at(parent).children.add(label);
    }
    return node;
  }

  #prune(path: string, { parts, children }: ObjectNode): void {
    if (parts.length > 0 || children.size > 0 || path === "/") return;
    this.#nodes.delete(path);
    const { parent, label } = split(path);
    const above = this.#at(parent);
    above.children.delete(label);
    this.#prune(parent, above);
  }
}

function newNode(): ObjectNode {
  return { parts: [], children: new Set() };
}

function split(path: string): { readonly parent: string; readonly label: string } {
  const at = path.lastIndexOf("/");
  return { parent: path.slice(0, at) || "/", label: path.slice(at + 1) };
}
