import type { Body } from "../../base/body.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { isLevel, type Log } from "../../base/log.ts";
import { type JobType, jobMethods, type Systemd } from "../../systemd/port.ts";
import type { Handlers } from "../../wire/messages.ts";
import type { Dependencies } from "./dependencies.ts";
import { gated, type Permit } from "./gate.ts";
import type { Jobs, JobsListener } from "./jobs.ts";
import type { Proxies } from "./proxies.ts";
import type { Units } from "./units.ts";
import { judgeJob } from "./verdict.ts";

/** What the controller may ask of this node, and tell it. */
export function requests(parts: {
  readonly systemd: Systemd;
  readonly jobs: Jobs;
  readonly units: Units;
  readonly proxies: Proxies;
  readonly dependencies: Dependencies;
  readonly log: Log;
  /** What tells this boot of the host from others. */
  readonly boot: bigint;
  /** The controller that there is now, as one who hears of jobs. */
  asker(): JobsListener;
  setMetrics(enabled: boolean): void;
  /** Whether the policy allows it. */
  readonly permit: Permit;
  /** Who tells whom to believe from now on, in PEM. */
  believe(authorities: readonly string[]): void;
}): Handlers<"agent"> {
  const { systemd, jobs, units, proxies, dependencies, log, permit } = parts;
  const handlers: Omit<Handlers<"agent">, "subscribe"> = {
    async startJob({ jobId, type, unit, mode }) {
      checkType(type);
      return jobs.start(jobId, type, unit, mode);
    },
    async cancelJob({ jobId }) {
      await jobs.cancel(jobId);
      return {};
    },
    resumeJobs({ controller }) {
      jobs.resume(controller, parts.asker());
      return {};
    },
    async findJob({ jobId, type, unit, ...ticket }) {
      checkType(type);
      if (await jobs.find(jobId, type, unit, ticket)) return { result: "", why: "" };
      if (ticket.boot !== parts.boot) return { result: "failed", why: "the host has booted since" };
      return judgeJob(systemd, type, unit, ticket.startedMonotonicUs);
    },
    forgetJob: ({ jobId }) => jobs.forget(jobId),
    callManager: async ({ method, arguments: args }) => ({ result: await systemd.callManager(method, args) }),
    getUnitProperties: ({ unit, interface: interfaceName }) =>
      systemd.unitProperties(unit, interfaceName).then(asProperties),
    getUnitProperty: ({ unit, interface: interfaceName, property }) =>
      systemd.unitProperty(unit, interfaceName, property).then(asValue),
    unsubscribe: ({ unit }) => units.unsubscribe(unit),
    startDependency: async ({ unit }) => ({ result: await dependencies.start(unit) }),
    async stopDependency({ unit }) {
      await dependencies.stop(unit);
      return {};
    },
    async keepDependencies({ units: needed }) {
      await dependencies.keep(needed);
      return {};
    },
    ping: () => ({}),
    setLogLevel({ level }) {
      if (isLevel(level)) {
        log.level = level;
        log.info(`Log level changed to ${level}`);
      }
      return {};
    },
    setMetrics: ({ enabled }) => parts.setMetrics(enabled),
    authoritiesChanged: ({ authorities }) => parts.believe(authorities),
    proxyTargetActivated: (fields) => proxies.targetActivated(fields),
    proxyTargetChanged: (fields) => proxies.targetChanged(fields),
    proxyTargetRemoved: (fields) => proxies.targetRemoved(fields),
    proxyTargetLost: (fields) => proxies.targetLost(fields),
  };
  return {
    ...gated(handlers, permit),
    // It may be given up while it waits for the permission.
    subscribe: ({ unit }) => units.subscribe(unit, permit("subscribe", { unit })),
  };
}

const asProperties = (properties: Body) => ({ properties });
const asValue = (value: Body) => ({ value });

/** @throws Failure InvalidArgs for a type that no job has. */
function checkType(word: string): asserts word is JobType {
  if (!Object.hasOwn(jobMethods, word)) throw new Failure(ErrorName.InvalidArgs, `Job type '${word}' is not known`);
}
