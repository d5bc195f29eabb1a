import { definePublic } from "./access.ts";

export const monitorInterface = definePublic({
  name: "org.eclipse.bluechi.Monitor",
  methods: {
    Close: { in: {}, out: {}, access: "owner", help: "Closes the monitor." },
    Subscribe: {
      in: { node: "s", unit: "s" },
      out: { id: "u" },
      access: "owner",
      help: "Subscribes to a unit of a node and returns the id of the subscription. Each may be * for all. A node or a unit that is not there yet is no error.",
    },
    Unsubscribe: { in: { id: "u" }, out: {}, access: "owner", help: "Ends a subscription." },
    SubscribeList: {
      in: { node: "s", units: "as" },
      out: { id: "u" },
      access: "owner",
      help: "Subscribes to several units of a node at once.",
    },
    AddPeer: {
      in: { name: "s" },
      out: { id: "u" },
      access: "owner",
      help: "Lets another program, given by its unique name on the bus, hear all that the monitor hears.",
    },
    RemovePeer: {
      in: { id: "u", reason: "s" },
      out: {},
      access: "owner",
      help: "Ends that; the peer is told the reason.",
    },
  },
  signals: {
    UnitPropertiesChanged: {
      args: { node: "s", unit: "s", interface: "s", props: "a{sv}" },
      help: "Properties of a unit have changed: the interface that has them, and their values.",
    },
    UnitStateChanged: {
      args: { node: "s", unit: "s", active_state: "s", sub_state: "s", reason: "s" },
      help: "The active state or the sub state of a unit has changed.",
    },
    UnitNew: {
      args: { node: "s", unit: "s", reason: "s" },
      help: "A unit was loaded. What was known of its state before counts no more.",
    },
    UnitRemoved: {
      args: { node: "s", unit: "s", reason: "s" },
      help: "A unit was unloaded, or cannot be seen any more.",
    },
    PeerRemoved: { args: { reason: "s" }, help: "Told to a peer that will hear nothing more, and why." },
  },
  properties: {},
});
