import type { Interface, Method } from "../bus/interface.ts";

type Action = "manage-units" | "manage-unit-files" | "reload-daemon" | "set-properties" | "manage-nodes";

/** An action of polkit: what it is, what people are told who are asked for a password, and what else it covers. */
export interface PolkitAction {
  readonly description: string;
  readonly message: string;
  readonly implies?: readonly Action[];
}

/** What polkit is asked when somebody else than root calls. In front of each stands `org.eclipse.bluechi.`. */
export const actions = {
  "manage-units": {
    description: "Manage units of nodes",
    message: "Authentication is required to manage units of nodes.",
  },
  "manage-unit-files": {
    description: "Manage unit files of nodes, and make units without a file",
    message: "Authentication is required to manage unit files of nodes.",
    implies: ["reload-daemon", "manage-units"],
  },
  "reload-daemon": {
    description: "Have the systemd of nodes read its unit files again",
    message: "Authentication is required to have the systemd of nodes read its unit files again.",
  },
  "set-properties": {
    description: "Set properties of units of nodes",
    message: "Authentication is required to set properties of units of nodes.",
  },
  "manage-nodes": {
    description: "Manage nodes, and the controller itself",
    message: "Authentication is required to manage nodes.",
  },
} as const satisfies Readonly<Record<Action, PolkitAction>>;

/** The name that polkit knows an action by. */
export const actionId = (action: Action): string => `org.eclipse.bluechi.${action}`;

/** A call that changes something: root's, and whose polkit allows it. Each is audited. */
export interface Privileged<Argument = string> {
  readonly action: Action;
  /** What is done, for polkit's rules and the audit, in the words of systemctl. */
  readonly verb: string;
  /** The argument that names the unit, or the units; left out where the object says which it is, or it is of no unit. */
  readonly unit?: Argument;
  /** The argument that names the node; left out where the object says which it is, or it is of no node. */
  readonly node?: Argument;
  /** It is done once the job has ended whose path is the answer's `job`. */
  readonly job?: true;
  /** Who has made the object is not asked for more. */
  readonly owner?: true;
}

/**
 * Who may call a method of those that the bus lets through:
 * - `read`: everybody, as nothing is changed by it;
 * - `owner`: who has made the object, and root;
 * - `root`: root, for whom alone the bus's policy lets it through.
 */
export type Access<Argument = string> = "read" | "owner" | "root" | Privileged<Argument>;

export interface PublicInterface extends Interface {
  readonly methods: Record<string, Method & { readonly help: string; readonly access: Access }>;
}

/** The same, where arguments are named that the method has. */
type Checked<I extends PublicInterface> = {
  readonly methods: { readonly [M in keyof I["methods"]]: { readonly access: Access<keyof I["methods"][M]["in"]> } };
};

/**
 * Checks the shape of the table of an interface that we serve: each method says who may call it. Properties cannot be set,
 * and a bus's policy cannot tell one from another: who may read at all may read all.
 */
export function definePublic<const I extends PublicInterface>(table: I & Checked<I>): I {
  return table;
}
