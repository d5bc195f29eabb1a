import type { Variant } from "../../base/signature.ts";
import { decodeBody } from "../../bus/unmarshal.ts";
import type { Job } from "./job.ts";
import type { Node } from "./node.ts";

/** Who is told measurements; all times in microseconds. */
export interface MetricsListener {
  agentJobMeasured(node: string, unit: string, method: string, microseconds: bigint): void;
  /** @param grossUs from the request to the result. @param netUs how long the unit itself took to become active. */
  startJobMeasured(job: Job, grossUs: bigint, netUs: bigint): void;
}

const unitInterface = "org.freedesktop.systemd1.Unit";

/** How long the last start of a unit took, from leaving `inactive` to entering `active`, in microseconds. */
export async function startTime(node: Node, unit: string): Promise<bigint> {
  const [entered, left] = await Promise.all([
    timestamp(node, unit, "ActiveEnterTimestampMonotonic"),
    timestamp(node, unit, "InactiveExitTimestampMonotonic"),
  ]);
  return entered > left ? entered - left : 0n;
}

async function timestamp(node: Node, unit: string, property: string): Promise<bigint> {
  const [variant] = decodeBody(await node.unitProperty(unit, unitInterface, property)) as [Variant];
  return variant.signature === "t" ? (variant.value as bigint) : 0n;
}
