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
    kind: "text",
    default: "127.0.0.1",
    applies: "at once",
    help: "The controller's host: a name, an IPv4 or an IPv6 address.",
  },
  ControllerPort: { kind: "port", default: 842, applies: "at once", what: "port", help: "The controller's port." },
  ControllerAddress: {
    kind: "text",
    default: "",
    applies: "at once",
    help: "The controller's address, instead of host and port: tcp:host=HOST,port=PORT or unix:path=PATH.",
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

export type AgentSettings = SettingsOf<typeof agentSettings>;

/** The agent's settings from its configuration. @throws ConfigurationError */
export function readAgentSettings(ini: Ini): AgentSettings {
  const settings = readSettings(agentSettings, ini.get(section) ?? new Map());
  const NodeName = settings.NodeName || hostname();
  const { ControllerHost, ControllerPort } = settings;
  const ControllerAddress = settings.ControllerAddress || `tcp:host=${ControllerHost},port=${ControllerPort}`;
  return { ...settings, NodeName, ControllerAddress };
}
