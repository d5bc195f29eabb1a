import { ErrorName, Failure } from "../../base/failure.ts";
import { isLevel, type Log } from "../../base/log.ts";
import { type JobType, jobMethods, type Systemd } from "../../systemd/port.ts";
import type { Handlers } from "../../wire/messages.ts";
import type { Dependencies } from "./dependencies.ts";
import type { Jobs, JobsListener } from "./jobs.ts";
import type { Proxies } from "./proxies.ts";
import type { Units } from "./units.ts";

/** What the controller may ask of this node, and tell it. */
export function requests(parts: {
  readonly systemd: Systemd;
  readonly jobs: Jobs;
  readonly units: Units;
  readonly proxies: Proxies;
  readonly dependencies: Dependencies;
  readonly log: Log;
  /** Who hears of the jobs that are asked for now. */
  asker(): JobsListener;
  setMetrics(enabled: boolean): void;
}): Handlers<"agent"> {
  const { systemd, jobs, units, proxies, dependencies, log } = parts;
  return {
    async startJob({ jobId, type, unit, mode }) {
      if (!isJobType(type)) throw new Failure(ErrorName.InvalidArgs, `Job type '${type}' is not known`);
      await jobs.start(jobId, type, unit, mode, parts.asker());
      return {};
    },
    async cancelJob({ jobId }) {
      await jobs.cancel(jobId);
      return {};
    },
    callManager: async ({ method, arguments: args }) => ({ result: await systemd.callManager(method, args) }),
    getUnitProperties: async ({ unit, interface: interfaceName }) => ({
      properties: await systemd.unitProperties(unit, interfaceName),
    }),
    getUnitProperty: async ({ unit, interface: interfaceName, property }) => ({
      value: await systemd.unitProperty(unit, interfaceName, property),
    }),
    subscribe: ({ unit }) => units.subscribe(unit),
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
    setLogLevel({ level }) {
      if (isLevel(level)) {
        log.level = level;
        log.info(`Log level changed to ${level}`);
      }
      return {};
    },
    setMetrics: ({ enabled }) => parts.setMetrics(enabled),
    proxyTargetActivated: (fields) => proxies.targetActivated(fields),
    proxyTargetChanged: (fields) => proxies.targetChanged(fields),
    proxyTargetRemoved: (fields) => proxies.targetRemoved(fields),
  };
}

function isJobType(word: string): word is JobType {
  return Object.hasOwn(jobMethods, word);
}
