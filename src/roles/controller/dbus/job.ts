import type { About } from "../../../api/gatekeeper.ts";
import { jobInterface } from "../../../api/job.ts";
import { jobPath } from "../../../api/names.ts";
import type { ObjectTree, Served } from "../../../bus/serve.ts";
import type { Controller } from "../controller.ts";
import type { Job } from "../job.ts";

/** Serves a job on the bus. */
export function serveJob(tree: ObjectTree<About>, controller: Controller, job: Job): Served<typeof jobInterface> {
  return tree.add(
    jobPath(job.id),
    jobInterface,
    { Cancel: () => controller.cancelJob(job) },
    {
      Id: () => job.id,
      Node: () => job.node,
      Unit: () => job.unit,
      JobType: () => job.type,
      State: () => job.stateName,
    },
    { node: job.node, unit: job.unit, jobId: job.id },
  );
}
