import { definePublic } from "./access.ts";

export const agentInterface = definePublic({
  name: "org.eclipse.bluechi.Agent",
  methods: {
    CreateProxy: {
      in: { local_service_name: "s", node: "s", unit: "s" },
      out: {},
      access: "root",
      help: "Makes a unit of this node depend on a unit of another one. Answered when that unit is active, however long it takes, or with org.eclipse.bluechi.ActivationFailed. bluechi-proxy(1) calls it.",
    },
    RemoveProxy: {
      in: { local_service_name: "s", node: "s", unit: "s" },
      out: {},
      access: "root",
      help: "Ends such a dependency. It is no error if there is none.",
    },
    SwitchController: {
      in: { dbus_address: "s" },
      out: {},
      access: "root",
      help: "Leaves the controller and connects to another address, in the form of the setting ControllerAddress. It holds until a reload brings other ones, and after a restart only with PersistSwitchController=.",
    },
    JobCancel: {
      in: { id: "u" },
      out: {},
      access: "root",
      help: "Cancels a job that the controller knows by this id.",
    },
  },
  signals: {},
  properties: {
    Status: {
      type: "s",
      emits: "change",
      help: "Whether the agent is connected to its controller: online or offline.",
    },
    ControllerAddress: { type: "s", emits: "change", help: "Where it connects to." },
    LogLevel: { type: "s", emits: "explicit", help: "The level of the agent's log." },
    LogTarget: { type: "s", emits: "const", help: "Where the agent's log goes: journald, stderr or stderr-full." },
    DisconnectTimestamp: {
      type: "t",
      emits: "explicit",
      help: "When the controller was lost, in microseconds since 1970; 0 while it is connected.",
    },
    DisconnectTimestampMonotonic: { type: "t", emits: "explicit", help: "The same by the monotonic clock." },
    LastSeenTimestamp: {
      type: "t",
      emits: "explicit",
      help: "When the controller was last heard of, in microseconds since 1970; 0 for never.",
    },
    LastSeenTimestampMonotonic: { type: "t", emits: "explicit", help: "The same by the monotonic clock." },
  },
});
