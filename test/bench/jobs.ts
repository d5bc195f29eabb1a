// Starting and stopping a unit of another host, one job at a time: by the controller, and by that host's systemd.

import type { Jobs } from "./job-clients.ts";
import { runJobs } from "./load.ts";
import { required } from "./reference.ts";
import { type Check, compared, comparison, cpuColumns, cpuRatio, cpuRow, type Part, type Row } from "./report.ts";
import { interleaved, oneByOne, scaled, timed } from "./sample.ts";
import { service, target, type World } from "./world.ts";

/** Starts, and stops, of each unit: rounds of so many. */
const rounds = 20;
const count = 25;
const warmUp = 2000;
const kinds = { target, oneshot: service } as const;

export const jobs: Part<World> = {
  name: "jobs",
  async run(world) {
    const ways = await world.jobs();
    const meter = await world.meter();
    // Code that is new to the runtime takes several times as long.
    await runJobs(ways.bluechi, scaled(warmUp));
    const checks: Check[] = [];
    const times: Row[] = [];
    const cpu: Row[] = [];
    const ratios: Record<string, number> = {};
    for (const [kind, unit] of Object.entries(kinds) as [keyof typeof kinds, string][]) {
      const both = (way: Jobs) =>
        oneByOne(async () => ({
          start: await timed(() => way.run("start", unit)),
          stop: await timed(() => way.run("stop", unit)),
        }));
      const measure = { bluechi: both(ways.bluechi), systemd: both(ways.systemd) };
      const found = await interleaved(measure, { rounds: scaled(rounds), count, meter });
      for (const type of ["start", "stop"] as const) {
        const [ours, theirs] = [found.bluechi.times[type], found.systemd.times[type]];
        const what = `${type} of a ${kind}` as const;
        times.push(compared(what, found, type));
        checks.push(required(what, ours.median, theirs.median));
      }
      cpu.push(cpuRow(`a job of a ${kind}`, found, 1 / 2));
      ratios[`a job of a ${kind}`] = cpuRatio(found);
      ratios[`a job of a ${kind}: systemd`] = found.bluechi.cpu.systemd / found.systemd.cpu.systemd;
    }
    return [
      { title: "Jobs, one at a time, ms", columns: comparison, rows: times, checks, ratios },
      { title: "CPU time, us", columns: cpuColumns, rows: cpu },
    ];
  },
};
