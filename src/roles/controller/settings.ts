import { daemonSettings } from "../../base/daemon.ts";
import type { Ini } from "../../base/ini.ts";
import { defineSettings, readSettings, type SettingsOf, type SettingsTable } from "../../base/settings.ts";
import type { NodeTerms } from "./node.ts";

export const section = "bluechi-controller";

export const controllerSettings = defineSettings({
  ControllerPort: {
    kind: "port",
    default: 842,
    applies: "after a restart",
    what: "port",
    help: "The TCP port that agents connect to without TLS.",
  },
  UseTCP: {
    kind: "boolean",
    default: true,
    applies: "after a restart",
    help: "Whether to listen on TCP ports: ControllerPort, TLSPort or both, as Security says.",
  },
  Security: {
    kind: "wordIfSet",
    words: ["tls", "plain", "both"],
    default: undefined,
    applies: "at once",
    help: "How agents connect over TCP: with TLS on TLSPort, plainly on ControllerPort, or either way. Plain links can be read and changed on their way, and by them anybody can be a node. When it is not set, tls once there is a cluster (bluechictl cluster init), else plain. Links that are not allowed any more are cut.",
  },
  TLSPort: {
    kind: "port",
    default: 843,
    applies: "at once",
    what: "TLS port",
    help: "The TCP port that agents with a certificate connect to.",
  },
  CertificateLifetime: {
    kind: "seconds",
    default: 90 * 24 * 3600,
    applies: "at once",
    what: "certificate lifetime",
    help: "Seconds that certificates live which the controller issues from now on, its own and those of nodes; 30 at least. They renew themselves at two thirds of that, so it is how long a node may be away before it has to join again, too.",
  },
  UseUDS: {
    kind: "boolean",
    default: true,
    applies: "after a restart",
    help: "Whether to listen on the unix socket /run/bluechi/bluechi.sock.",
  },
  SocketUser: {
    kind: "list",
    default: [],
    applies: "at once",
    help: "The users, by name or number, whose agents may connect over the unix socket, separated by commas. Root and the controller's own user always may.",
  },
  SocketGroup: {
    kind: "text",
    default: "",
    applies: "at once",
    help: "The group whose members' agents may, too. Where bluechi-controller.socket listens, its SocketMode= has to let them in as well.",
  },
  AllowedNodeNames: {
    kind: "list",
    default: [],
    applies: "at once",
    help: "The names of the nodes that may register, separated by commas.",
  },
  HeartbeatInterval: {
    kind: "milliseconds",
    default: 2000,
    applies: "to new links",
    what: "heartbeat interval",
    help: "Milliseconds between heartbeats to the agents; 0 switches them off, and the check of theirs too.",
  },
  NodeHeartbeatThreshold: {
    kind: "milliseconds",
    default: 6000,
    applies: "to new links",
    what: "heartbeat threshold",
    help: "Milliseconds of silence after which a node is taken for lost; 0 switches the check off.",
  },
  JobLostTimeout: {
    kind: "milliseconds",
    default: 30_000,
    applies: "at once",
    what: "job lost timeout",
    help: "Milliseconds that jobs of a node which has dropped off wait for its return, before they end as failed.",
  },
  TargetLostTimeout: {
    kind: "milliseconds",
    default: 30_000,
    applies: "at once",
    what: "target lost timeout",
    help: "Milliseconds that a node may be away until OnTargetLost decides for the nodes whose units depend on its units; 0 is for ever.",
  },
  ...daemonSettings,
});

export const nodeSettings = defineSettings({
  Allowed: {
    kind: "boolean",
    default: false,
    applies: "at once",
    help: "Whether the node may register, as if it were in AllowedNodeNames.",
  },
  RequiredSelinuxContext: {
    kind: "text",
    default: "",
    applies: "at once",
    help: "The SELinux context that the node's agent has to have. Without SELinux, and over TCP without labelled networking, none is known, and the node is refused.",
  },
  AllowDependenciesOn: {
    kind: "list",
    default: [],
    applies: "at once",
    help: "The nodes whose units this node's units may depend on, separated by commas.",
  },
  RequireTLS: {
    kind: "booleanIfSet",
    default: undefined,
    applies: "at once",
    help: "Whether the node's agent may connect over TCP with TLS only, also where Security=both. When it is not set, yes for nodes that have been given a certificate.",
  },
  OnTargetLost: {
    kind: "word",
    words: ["keep", "stop"],
    default: "keep",
    applies: "at once",
    help: "What becomes of this node's active proxies when the node of their target is away for longer than TargetLostTimeout: they are kept as they are, or stopped, and what is bound to them with BindsTo= stops too.",
  },
});

export type Security = "tls" | "plain" | "both";

export interface ControllerSettings extends SettingsOf<typeof controllerSettings> {
  /** The nodes that may register by the configuration: those of AllowedNodeNames, then those with `Allowed=true`, by name. */
  readonly allowed: readonly string[];
  /** The sections of nodes, whether they may register or not. */
  readonly sections: ReadonlyMap<string, SettingsOf<typeof nodeSettings>>;
}

/** How long a node may be silent, in ms, 0 for ever: it is looked at with each heartbeat that is sent. */
export function silenceMs(settings: Pick<ControllerSettings, "HeartbeatInterval" | "NodeHeartbeatThreshold">): number {
  return settings.HeartbeatInterval > 0 ? settings.NodeHeartbeatThreshold : 0;
}

/** How long the certificates live that are issued now, in ms. */
export function certificateLifetimeMs({
  CertificateLifetime,
}: Pick<ControllerSettings, "CertificateLifetime">): number {
  return Math.max(30, CertificateLifetime) * 1000;
}

/** How agents may connect over TCP. @param cluster whether there is one, so that there are certificates. */
export function securityOf({ Security }: Pick<ControllerSettings, "Security">, cluster: boolean): Security {
  return Security ?? (cluster ? "tls" : "plain");
}

const nodeSection = /^node (.+)$/;

/** The settings of a section of the controller's configuration; undefined for one that it does not have. */
export function tableOf(name: string): SettingsTable | undefined {
  if (name === section) return controllerSettings;
  return nodeSection.test(name) ? nodeSettings : undefined;
}

/** The controller's settings from its configuration. @throws ConfigurationError */
export function readControllerSettings(ini: Ini): ControllerSettings {
  const settings = readSettings(controllerSettings, ini.get(section) ?? new Map());
  const sections = new Map<string, SettingsOf<typeof nodeSettings>>();
  for (const [name, entries] of ini) {
    const node = nodeSection.exec(name)?.[1]?.trim();
    if (node) sections.set(node, readSettings(nodeSettings, entries));
  }
  const allowed = [...sections].filter(([, { Allowed }]) => Allowed).map(([name]) => name);
  return { ...settings, allowed: [...new Set([...settings.AllowedNodeNames, ...allowed.sort()])], sections };
}

/** Of a cluster, what the terms of nodes depend on. */
export interface Membership {
  /** The names that certificates have been given for. */
  readonly enrolled: ReadonlySet<string>;
  readonly security: Security;
}

/**
 * The nodes that may register, and on what terms: those of the configuration, then those that have certificates, by name.
 */
export function nodeTerms({ allowed, sections }: ControllerSettings, { enrolled, security }: Membership): NodeTerms[] {
  const names = new Set([...allowed, ...[...enrolled].sort()]);
  return [...names].map((name) => {
    const section = sections.get(name);
    return {
      name,
      allowedDependencies: new Set(section?.AllowDependenciesOn ?? []),
      requiredContext: section?.RequiredSelinuxContext ?? "",
      requireTls: security === "tls" || (section?.RequireTLS ?? enrolled.has(name)),
      onTargetLost: section?.OnTargetLost ?? nodeSettings.OnTargetLost.default,
    };
  });
}
