import { defineInterface } from "../bus/interface.ts";

export const controllerInterface = defineInterface({
  name: "org.eclipse.bluechi.Controller",
  methods: {
    ListUnits: { in: {}, out: { units: "a{sa(ssssssouso)}" } },
    ListUnitFiles: { in: {}, out: { unitfiles: "a{sa(ss)}" } },
    ListNodes: { in: {}, out: { nodes: "a(soss)" } },
    GetNode: { in: { name: "s" }, out: { path: "o" } },
    CreateMonitor: { in: {}, out: { monitor: "o" } },
    SetLogLevel: { in: { loglevel: "s" }, out: {} },
    EnableMetrics: { in: {}, out: {} },
    DisableMetrics: { in: {}, out: {} },
  },
  signals: {
    JobNew: { id: "u", job: "o" },
    JobRemoved: { id: "u", job: "o", node: "s", unit: "s", result: "s" },
  },
  properties: {
    LogLevel: { type: "s", emits: "explicit" },
    LogTarget: { type: "s", emits: "const" },
    Status: { type: "s", emits: "change" },
  },
});
