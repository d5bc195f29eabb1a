import { defineInterface } from "../bus/interface.ts";

export const agentInterface = defineInterface({
  name: "org.eclipse.bluechi.Agent",
  methods: {
    CreateProxy: { in: { local_service_name: "s", node: "s", unit: "s" }, out: {} },
    RemoveProxy: { in: { local_service_name: "s", node: "s", unit: "s" }, out: {} },
    SwitchController: { in: { dbus_address: "s" }, out: {} },
    JobCancel: { in: { id: "u" }, out: {} },
  },
  signals: {},
  properties: {
    Status: { type: "s", emits: "change" },
    ControllerAddress: { type: "s", emits: "change" },
    LogLevel: { type: "s", emits: "explicit" },
    LogTarget: { type: "s", emits: "const" },
    DisconnectTimestamp: { type: "t", emits: "explicit" },
    DisconnectTimestampMonotonic: { type: "t", emits: "explicit" },
    LastSeenTimestamp: { type: "t", emits: "explicit" },
    LastSeenTimestampMonotonic: { type: "t", emits: "explicit" },
  },
});
