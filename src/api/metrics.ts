import { defineInterface } from "../bus/interface.ts";

export const metricsInterface = defineInterface({
  name: "org.eclipse.bluechi.Metrics",
  methods: {},
  signals: {
    StartUnitJobMetrics: {
      node_name: "s",
      job_id: "s",
      unit: "s",
      job_measured_time_micros: "t",
      unit_start_prop_time_micros: "t",
    },
    AgentJobMetrics: { node_name: "s", unit: "s", method: "s", systemd_job_time_micros: "t" },
  },
  properties: {},
});
