import { hostname } from "node:os";
import { agentPlaces } from "../../base/agent-places.ts";
import { daemonSettings } from "../../base/daemon.ts";
import { ConfigurationError, type Ini } from "../../base/ini.ts";
import { defineSettings, readSettings, type SettingsOf } from "../../base/settings.ts";
import { Policy } from "./policy.ts";
import { isReading, isVerbWord, presets, type Verb, type VerbWord, verbNames } from "./verbs.ts";

export const agentSettings = defineSettings({
  NodeName: {
    kind: "text",
    default: "",
    applies: "at once",
    help: "The name that this node registers with; the host name when it is not set.",
  },
  ControllerHost: {
    kind: "list",
    default: ["127.0.0.1"],
    applies: "at once",
    help: "The controller's host: a name, an IPv4 or an IPv6 address. Several are separated by commas, the best one first. One may have a port of its own, as in HOST:PORT or [IPV6]:PORT.",
  },
  ControllerPort: {
    kind: "portIfSet",
    default: undefined,
    applies: "at once",
    what: "port",
    help: "The controller's port; 843 with TLS and 842 without when it is not set.",
  },
  ControllerAddress: {
    kind: "text",
    default: "",
    applies: "at once",
    help: "The controller's address, instead of host and port: tls:host=HOST,port=PORT, tcp:host=HOST,port=PORT (without TLS) or unix:path=PATH. Several are separated by semicolons, the best one first.",
  },
  Security: {
    kind: "wordIfSet",
    words: ["tls", "plain"],
    default: undefined,
    applies: "at once",
    help: "Whether the hosts of ControllerHost are connected to with TLS. With tls no controller is connected to plainly over TCP, whoever asks for it. When it is not set, tls once this node has a certificate (bluechi join), else plain.",
  },
  ControllerFailback: {
    kind: "boolean",
    default: true,
    applies: "after a restart",
    help: "Whether to go back from a controller to one that comes before it in the list, when that has been steady for some seconds.",
  },
  PersistSwitchController: {
    kind: "boolean",
    default: false,
    applies: "after a restart",
    help: "Whether the controller that SwitchController() has switched to counts for the next start, too, until it switches back to the first one that is configured.",
  },
  HeartbeatInterval: {
    kind: "milliseconds",
    default: 2000,
    applies: "to new links",
    what: "heartbeat interval",
    help: "Milliseconds between heartbeats to the controller; 0 switches them off.",
  },
  ControllerHeartbeatThreshold: {
    kind: "milliseconds",
    default: 6000,
    applies: "to new links",
    what: "heartbeat threshold",
    help: "Milliseconds of silence after which the controller is taken for lost; 0 switches the check off.",
  },
  ConnectionRetryCountUntilQuiet: {
    kind: "count",
    default: 10,
    applies: "after a restart",
    what: "connection retry count",
    help: "Failed attempts to connect after which they are no longer logged.",
  },
  AllowUnits: {
    kind: "list",
    default: [],
    applies: "at once",
    help: "The units that the controller may ask anything of, as names and globs separated by commas; all when it is not set. A unit is meant by any of its names, an instance by its template's too, and a name without a suffix is a service's. Lists show the others, too.",
  },
  DenyUnits: {
    kind: "list",
    default: [],
    applies: "at once",
    help: "The units that the controller may ask nothing of, likewise; this counts for more than AllowUnits. Slices, which hold other units, are only changed when AllowUnits has their names.",
  },
  AllowVerbs: {
    kind: "list",
    default: ["all"],
    applies: "at once",
    help: `What the controller may ask: verbs, or words for several, separated by commas. ${verbHelp()}`,
  },
  ...daemonSettings,
});

function verbHelp(): string {
  const acting = presets.lifecycle.filter((verb) => !isReading(verb));
  return `read-only is ${presets["read-only"].join(" and ")}; lifecycle is that and ${acting.join(", ")}; all is everything, but without start-transient where units are restricted, as that would undo it. The others are ${verbNames.filter((verb) => !(presets.lifecycle as readonly Verb[]).includes(verb)).join(", ")}.`;
}

export interface AgentSettings extends SettingsOf<typeof agentSettings> {
  /** The addresses of the controllers, the best one first; at least one. */
  readonly controllers: readonly string[];
  /** Whether controllers of other hosts are spoken to with TLS only. */
  readonly secure: boolean;
  /** What the controller may do. */
  readonly policy: Policy;
}

/** Where controllers listen when nobody says otherwise. */
const usualPort = { tls: 843, tcp: 842 };

/**
 * The agent's settings from its configuration.
 * @param enrolled whether this node has a certificate.
 * @throws ConfigurationError
 */
export function readAgentSettings(ini: Ini, enrolled: boolean): AgentSettings {
  const settings = readSettings(agentSettings, ini.get(agentPlaces.section) ?? new Map());
  const NodeName = settings.NodeName || hostname();
  const { ControllerHost } = settings;
  const secure = isSecure(settings.Security, enrolled);
  const kind = secure ? "tls" : "tcp";
  const port = settings.ControllerPort ?? usualPort[kind];
  const addresses = listed(settings.ControllerAddress.split(";"));
  const hosts = ControllerHost.length > 0 ? ControllerHost : agentSettings.ControllerHost.default;
  const controllers = addresses.length > 0 ? addresses : listed(hosts.map((host) => addressOf(kind, host, port)));
  return {
    ...settings,
    NodeName,
    controllers,
    secure,
    policy: new Policy({ ...settings, AllowVerbs: verbWords(ini, settings) }),
  };
}

/** @throws ConfigurationError for a word that is no verb, as ignoring it would allow less or more than is meant. */
function verbWords(ini: Ini, { AllowVerbs }: SettingsOf<typeof agentSettings>): VerbWord[] {
  return AllowVerbs.map((word) => {
    if (isVerbWord(word)) return word;
    const { file, line } = ini.get(agentPlaces.section)?.get("AllowVerbs") ?? { file: "?", line: 0 };
    const place = line > 0 ? `${file}, line ${line}` : file;
    throw new ConfigurationError(
      `Invalid AllowVerbs '${word}', only ${[...Object.keys(presets), ...verbNames].join(", ")}, separated by commas (${place})`,
    );
  });
}

/** Whether controllers of other hosts are spoken to with TLS only. @param enrolled whether this node has a certificate. */
export function isSecure(security: "tls" | "plain" | undefined, enrolled: boolean): boolean {
  return (security ?? (enrolled ? "tls" : "plain")) === "tls";
}

function listed(items: readonly string[]): string[] {
  return [...new Set(items.map((item) => item.trim()))].filter((item) => item !== "");
}

/** The address of a host of the list. What makes none is found when it is connected to, as it may be mended by then. */
function addressOf(kind: "tls" | "tcp", text: string, defaultPort: number): string {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const named = /^([^:]*):([^:]*)$/.exec(text);
  const [, host = text, port = `${defaultPort}`] = bracketed ?? named ?? [];
  return `${kind}:host=${host},port=${port}`;
}
