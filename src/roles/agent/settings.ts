import { hostname } from "node:os";
import { daemonSettings } from "../../base/daemon.ts";
import type { Ini } from "../../base/ini.ts";
import { defineSettings, readSettings, type SettingsOf } from "../../base/settings.ts";

export const section = "bluechi-agent";

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
  ControllerPort: { kind: "port", default: 842, applies: "at once", what: "port", help: "The controller's port." },
  ControllerAddress: {
    kind: "text",
    default: "",
    applies: "at once",
    help: "The controller's address, instead of host and port: tcp:host=HOST,port=PORT or unix:path=PATH. Several are separated by semicolons, the best one first.",
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
  ...daemonSettings,
});

export interface AgentSettings extends SettingsOf<typeof agentSettings> {
  /** The addresses of the controllers, the best one first; at least one. */
  readonly controllers: readonly string[];
}

/** The agent's settings from its configuration. @throws ConfigurationError */
export function readAgentSettings(ini: Ini): AgentSettings {
  const settings = readSettings(agentSettings, ini.get(section) ?? new Map());
  const NodeName = settings.NodeName || hostname();
  const { ControllerHost, ControllerPort } = settings;
  const addresses = listed(settings.ControllerAddress.split(";"));
  const hosts = ControllerHost.length > 0 ? ControllerHost : agentSettings.ControllerHost.default;
  const controllers = addresses.length > 0 ? addresses : listed(hosts.map((host) => addressOf(host, ControllerPort)));
  return { ...settings, NodeName, controllers };
}

function listed(items: readonly string[]): string[] {
  return [...new Set(items.map((item) => item.trim()))].filter((item) => item !== "");
}

/** The address of a host of the list. What makes none is found when it is connected to, as it may be mended by then. */
function addressOf(text: string, defaultPort: number): string {
  const bracketed = /^\[([^\]]*)\](?::(.*))?$/.exec(text);
  const named = /^([^:]*):([^:]*)$/.exec(text);
  const [, host = text, port = `${defaultPort}`] = bracketed ?? named ?? [];
  return `tcp:host=${host},port=${port}`;
}
