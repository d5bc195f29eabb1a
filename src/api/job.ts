import { defineInterface } from "../bus/interface.ts";

export const jobInterface = defineInterface({
  name: "org.eclipse.bluechi.Job",
  methods: { Cancel: { in: {}, out: {} } },
  signals: {},
  properties: {
    Id: { type: "u", emits: "const" },
    Node: { type: "s", emits: "const" },
    Unit: { type: "s", emits: "const" },
    JobType: { type: "s", emits: "const" },
    State: { type: "s", emits: "change" },
  },
});
