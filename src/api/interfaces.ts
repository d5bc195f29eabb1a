import { agentInterface } from "./agent.ts";
import { clusterInterface } from "./cluster.ts";
import { controllerInterface } from "./controller.ts";
import { jobInterface } from "./job.ts";
import { metricsInterface } from "./metrics.ts";
import { monitorInterface } from "./monitor.ts";
import { nodeInterface } from "./node.ts";

/** All that programs may call, in the order in which it is told of. */
export const interfaces = [
  controllerInterface,
  nodeInterface,
  jobInterface,
  monitorInterface,
  metricsInterface,
  clusterInterface,
  agentInterface,
] as const;
