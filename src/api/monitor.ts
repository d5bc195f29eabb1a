import { defineInterface } from "../bus/interface.ts";

export const monitorInterface = defineInterface({
  name: "org.eclipse.bluechi.Monitor",
  methods: {
    Close: { in: {}, out: {} },
    Subscribe: { in: { node: "s", unit: "s" }, out: { id: "u" } },
    Unsubscribe: { in: { id: "u" }, out: {} },
    SubscribeList: { in: { node: "s", units: "as" }, out: { id: "u" } },
    AddPeer: { in: { name: "s" }, out: { id: "u" } },
    RemovePeer: { in: { id: "u", reason: "s" }, out: {} },
  },
  signals: {
    UnitPropertiesChanged: { node: "s", unit: "s", interface: "s", props: "a{sv}" },
    UnitStateChanged: { node: "s", unit: "s", active_state: "s", sub_state: "s", reason: "s" },
    UnitNew: { node: "s", unit: "s", reason: "s" },
    UnitRemoved: { node: "s", unit: "s", reason: "s" },
    PeerRemoved: { reason: "s" },
  },
  properties: {},
});
