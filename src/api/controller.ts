import { definePublic } from "./access.ts";

export const controllerInterface = definePublic({
  name: "org.eclipse.bluechi.Controller",
  methods: {
    ListUnits: {
      in: {},
      out: { units: "a{sa(ssssssouso)}" },
      access: "read",
      help: "Lists the loaded units of all nodes that are online: by node, rows as those of ListUnits of org.freedesktop.systemd1.Manager. A node that has hung is missing.",
    },
    ListUnitFiles: {
      in: {},
      out: { unitfiles: "a{sa(ss)}" },
      access: "read",
      help: "Lists the installed unit files of all nodes that are online: by node, paths with their states. A node that has hung is missing.",
    },
    ListNodes: {
      in: {},
      out: { nodes: "a(soss)" },
      access: "read",
      help: "Lists the nodes that may register, online or not: name, object path, status, and the IP address that the node has connected from, empty if it is not known.",
    },
    GetNode: { in: { name: "s" }, out: { path: "o" }, access: "read", help: "Returns the object of a node." },
    CreateMonitor: {
      in: {},
      out: { monitor: "o" },
      access: "read",
      help: "Makes a monitor, which belongs to the caller and is closed when the caller leaves the bus.",
    },
    SetLogLevel: {
      in: { loglevel: "s" },
      out: {},
      access: { action: "manage-nodes", verb: "set-log-level" },
      help: "Sets the level of the controller's log until its configuration is read again: DEBUG, INFO, WARN or ERROR, in any case.",
    },
    EnableMetrics: {
      in: {},
      out: {},
      access: { action: "manage-nodes", verb: "enable-metrics" },
      help: "Has all agents measure their jobs, and makes the object org.eclipse.bluechi.Metrics. An error if that is so already.",
    },
    DisableMetrics: {
      in: {},
      out: {},
      access: { action: "manage-nodes", verb: "disable-metrics" },
      help: "Ends what EnableMetrics began.",
    },
  },
  signals: {
    JobNew: { args: { id: "u", job: "o" }, help: "A job has been made. Its caller has been told its path before." },
    JobRemoved: {
      args: { id: "u", job: "o", node: "s", unit: "s", result: "s" },
      help: 'A job has ended. The result is systemd\'s: done, canceled, timeout, failed, dependency or skipped. A job whose node was lost and did not come back in time has failed; one that was pending when the controller stopped is "cancelled due to shutdown".',
    },
  },
  properties: {
    LogLevel: { type: "s", emits: "explicit", help: "The level of the controller's log." },
    LogTarget: { type: "s", emits: "const", help: "Where the controller's log goes: journald, stderr or stderr-full." },
    Status: {
      type: "s",
      emits: "change",
      help: "up while all nodes are online, degraded while some are, down while none is.",
    },
  },
});
