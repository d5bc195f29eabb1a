import { definePublic } from "./access.ts";

export const jobInterface = definePublic({
  name: "org.eclipse.bluechi.Job",
  methods: {
    Cancel: {
      in: {},
      out: {},
      access: { action: "manage-units", verb: "cancel", owner: true },
      help: "Cancels the job: systemd's job is cancelled, and this one ends with the result canceled.",
    },
  },
  signals: {},
  properties: {
    Id: { type: "u", emits: "const", help: "The number of the job, counted from the start of the controller." },
    Node: { type: "s", emits: "const", help: "The node of the unit." },
    Unit: { type: "s", emits: "const", help: "The unit." },
    JobType: { type: "s", emits: "const", help: "start, stop, restart or reload." },
    State: { type: "s", emits: "change", help: "waiting, then running." },
  },
});
