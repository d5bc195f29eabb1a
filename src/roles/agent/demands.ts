import { basename } from "node:path";
import { dependencyUnit } from "../../base/names.ts";
import type { ValuesOf } from "../../base/signature.ts";
import { decodeNamed } from "../../bus/named.ts";
import { checkManagerCall, type ManagerMethod, type managerInterface } from "../../systemd/manager-interface.ts";
import type { EventFrom, FieldsOf, RequestFrom } from "../../wire/messages.ts";
import { everyUnit } from "./policy.ts";
import { type Verb, verbs } from "./verbs.ts";

/** What has to be allowed for something that the controller asks. */
export interface Demand {
  /** One of these is enough. */
  readonly anyOf: readonly [Verb, ...Verb[]];
  /** A unit by the name that the controller gives it; undefined when no unit is meant. */
  readonly unit?: string | typeof everyUnit;
}

/** What a demand may need to know of the agent. */
export interface Knowledge {
  /** The unit of a job that the controller has numbered. */
  unitOfJob(jobId: number): string | undefined;
}

/** What the controller asks or tells. */
export type Asked = RequestFrom<"controller"> | EventFrom<"controller">;
type ManagerArguments<M extends ManagerMethod> = ValuesOf<(typeof managerInterface)["methods"][M]["in"]>;

const on = (verb: Verb, unit?: Demand["unit"]): Demand =>
  unit === undefined ? { anyOf: [verb] } : { anyOf: [verb], unit };

/** Keeps the connection going, or only takes back what was allowed, or answers what this node has asked itself. */
const free = (): readonly Demand[] => [];

/** What each message of the controller demands; one that is missing here does not compile. */
const demands: { readonly [N in Asked]: (fields: FieldsOf<N>, knowledge: Knowledge) => readonly Demand[] } = {
  startJob: ({ type, unit, mode }) => jobDemands(type, unit, mode),
  findJob: ({ type, unit }) => jobDemands(type, unit, ""),
  cancelJob({ jobId }, knowledge) {
    const unit = knowledge.unitOfJob(jobId);
    return unit === undefined ? [] : [on("cancel", unit)];
  },
  callManager: ({ method, arguments: args }) => {
    const types = checkManagerCall(method, args).in;
    return managerDemands[method as ManagerMethod](decodeNamed(types, args) as never);
  },
  getUnitProperties: ({ unit }) => [on("status", unit)],
  getUnitProperty: ({ unit }) => [on("status", unit)],
  subscribe: ({ unit }) => (unit === "*" ? [on("list")] : [{ anyOf: ["status", "dependency"], unit }]),
  startDependency: ({ unit }) => [on("dependency", unit)],
  setLogLevel: () => [on("log-level")],
  unsubscribe: free,
  stopDependency: free,
  keepDependencies: free,
  setMetrics: free,
  authoritiesChanged: free,
  resumeJobs: free,
  forgetJob: free,
  ping: free,
  proxyTargetActivated: free,
  proxyTargetChanged: free,
  proxyTargetRemoved: free,
  proxyTargetLost: free,
};

/** What each method of systemd's Manager demands. */
const managerDemands: { readonly [M in ManagerMethod]: (args: ManagerArguments<M>) => readonly Demand[] } = {
  FreezeUnit: ({ name }) => [on("freeze", name)],
  ThawUnit: ({ name }) => [on("thaw", name)],
  KillUnit: ({ name }) => [on("kill", name)],
  ResetFailed: () => [on("reset-failed", everyUnit)],
  ResetFailedUnit: ({ name }) => [on("reset-failed", name)],
  SetUnitProperties: ({ name }) => [on("set-property", name)],
  EnableUnitFiles: ({ files }) => files.flatMap((file) => fileDemands("enable", file)),
  DisableUnitFiles: ({ files }) => files.flatMap((file) => fileDemands("disable", file)),
  GetUnitFileState: ({ file }) => [on("status", basename(file))],
  Reload: () => [on("daemon-reload")],
  ListUnits: () => [on("list")],
  ListUnitFiles: () => [on("list")],
  GetDefaultTarget: () => [on("list")],
  SetDefaultTarget: ({ name }) => [on("set-default", name)],
  StartTransientUnit: ({ name, aux, mode }) => [
    ...[name, ...aux.map(([other]) => other)].map((unit) => on("start-transient", unit)),
    ...modeDemands(mode),
  ],
};

/** What a message of the controller demands. @throws Failure when it asks for a method that there is not. */
export function demandsOf<N extends Asked>(name: N, fields: FieldsOf<N>, knowledge: Knowledge): readonly Demand[] {
  return demands[name](fields, knowledge);
}

/** Whether a message may demand anything. */
export const isFree = (name: Asked): boolean => demands[name] === free;

const isVerb = (word: string): word is Verb => Object.hasOwn(verbs, word);

/** Job types are verbs; one that is none is refused by the handler. */
function jobDemands(type: string, unit: string, mode: string): Demand[] {
  if (!isVerb(type)) return [];
  // A dependency unit starts, and is bound to, what its instance names.
  const prefix = dependencyUnit("");
  const target = unit.startsWith(prefix) ? [on(type, unit.slice(prefix.length))] : [];
  return [on(type, unit), ...target, ...modeDemands(mode)];
}

/** Modes of jobs that stop, or give up the jobs of, whatever else there is (systemctl(1), --job-mode=). */
function modeDemands(mode: string): Demand[] {
  return mode === "isolate" || mode === "flush" ? [on("stop", everyUnit)] : [];
}

/** A file by its path may be anything, and bring any names along. */
function fileDemands(verb: Verb, file: string): Demand[] {
  return [on(verb, basename(file)), ...(file.includes("/") ? [on(verb, everyUnit)] : [])];
}
