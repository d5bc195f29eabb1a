// What has to hold again when all is mended, against what each systemd says.
import type { SeenJob } from "./eyes.ts";
import { dependencyOf, proxyOf, sources, targets } from "./units.ts";

/** The states of the units that a host's systemd has loaded, by name. */
export type States = ReadonlyMap<string, string>;

/** When something other than jobs happened to a host, in ms. */
export interface Disturbance {
  readonly host: string;
  readonly fromMs: number;
  readonly toMs: number;
}

/** The results that are the controller's own: the node was lost, or the controller stopped. */
const ownResults = ["failed", "cancelled due to shutdown"];

/** How far apart two programs may hear of the same, in ms. */
const skewMs = 2000;

const stateOf = (states: States | undefined, unit: string) => states?.get(unit) ?? "inactive";

/** The dependency unit of a target is there exactly as long as proxies on other hosts are, and nothing waits for ever. */
export function dependencyProblems(all: ReadonlyMap<string, States>): string[] {
  const hosts = [...all.keys()];
  const problems: string[] = [];
  for (const [host, states] of all) {
    for (const target of targets) {
      const users = hosts.filter((user) =>
        ["active", "activating"].includes(stateOf(all.get(user), proxyOf(host, target))),
      );
      const state = stateOf(states, dependencyOf(target));
      const wanted = users.length > 0 ? ["active"] : ["inactive", "failed"];
      if (!wanted.includes(state)) {
        problems.push(
          `${host}: ${dependencyOf(target)} is ${state}, its users are on ${users.join(", ") || "no host"}`,
        );
      }
    }
    const ours = [
      ...targets,
      ...sources(host, hosts),
      ...[...states.keys()].filter((unit) => unit.startsWith("bluechi")),
    ];
    for (const unit of ours) {
      if (["activating", "deactivating"].includes(stateOf(states, unit)))
        problems.push(`${host}: ${unit} is ${stateOf(states, unit)}`);
    }
  }
  return problems;
}

/** A monitor's picture is what systemd has. */
export function pictureProblems(picture: ReadonlyMap<string, string>, all: ReadonlyMap<string, States>): string[] {
  const problems: string[] = [];
  for (const [host, states] of all) {
    for (const unit of watched) {
      const [seen, real] = [picture.get(`${host} ${unit}`), states.get(unit)];
      if (seen !== real)
        problems.push(`${host}: ${unit} is ${real ?? "not loaded"}, the monitor says ${seen ?? "not"}`);
    }
  }
  return problems;
}

/** The units that the monitor follows on all hosts. */
export const watched = [...targets, ...targets.map(dependencyOf)];

/** Every job that was announced has ended, and once. @param stillSees whether its end must have been heard. */
export function jobProblems(jobs: Iterable<SeenJob>, stillSees: (job: SeenJob) => boolean): string[] {
  const problems: string[] = [];
  for (const job of jobs) {
    const { ends, bornMs } = job;
    if (ends.length > 1) problems.push(`a job has ended ${ends.length} times: ${Bun.inspect(job)}`);
    if (ends.length === 0 && stillSees(job)) problems.push(`a job of ${Math.round(bornMs)} ms has not ended`);
  }
  return problems;
}

/** How the jobs of a host's systemd ended, as far as that was seen. */
export interface SystemdWitness {
  readonly ends: readonly { readonly unit: string; readonly result: string; readonly atMs: number }[];
  sawAll(fromMs: number, toMs: number): boolean;
}

/**
 * A job's result is systemd's own, unless there was trouble on its host, or on the controller's, and the controller says that
 * it is none. Of what no witness was there to hear nothing can be said.
 */
export function resultProblems(
  jobs: Iterable<SeenJob>,
  witnesses: ReadonlyMap<string, SystemdWitness>,
  disturbances: readonly Disturbance[],
  controller: string,
): string[] {
  const problems: string[] = [];
  for (const { node, unit, bornMs, ends } of jobs) {
    for (const { result, atMs } of ends) {
      const [fromMs, toMs] = [bornMs - skewMs, atMs + skewMs];
      const witness = witnesses.get(node);
      const said = (end: SystemdWitness["ends"][number]) =>
        end.unit === unit && end.result === result && end.atMs > fromMs && end.atMs < toMs;
      if (witness?.ends.some(said) || !witness?.sawAll(fromMs, toMs)) continue;
      const lost = (trouble: Disturbance) =>
        [node, controller].includes(trouble.host) && trouble.fromMs < toMs && trouble.toMs > fromMs;
      if (ownResults.includes(result) && disturbances.some(lost)) continue;
      problems.push(
        `a job for ${unit} on ${node} ended as ${result} at ${Math.round(atMs)}, which systemd does not say`,
      );
    }
  }
  return problems;
}
