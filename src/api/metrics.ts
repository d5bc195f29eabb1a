import { definePublic } from "./access.ts";

export const metricsInterface = definePublic({
  name: "org.eclipse.bluechi.Metrics",
  methods: {},
  signals: {
    StartUnitJobMetrics: {
      args: {
        node_name: "s",
        job_id: "s",
        unit: "s",
        job_measured_time_micros: "t",
        unit_start_prop_time_micros: "t",
      },
      help: "A start job has ended: its object path, how long it took from the controller's point of view, and how long the unit itself took to start.",
    },
    AgentJobMetrics: {
      args: { node_name: "s", unit: "s", method: "s", systemd_job_time_micros: "t" },
      help: "A job has ended: how long it took from the agent's point of view.",
    },
  },
  properties: {},
});
