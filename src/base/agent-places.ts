/** Where the agent's configuration and its identity lie. */
export const agentPlaces = {
  defaults: "/usr/share/bluechi-agent/config/agent.conf",
  file: "/etc/bluechi/agent.conf",
  section: "bluechi-agent",
} as const;

/** The identity of the agent that runs as a service of the system, in its StateDirectory=. */
export const agentIdentity = "/var/lib/bluechi-agent/identity";
