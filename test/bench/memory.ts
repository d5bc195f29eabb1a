// What jobs and monitors leave behind in the daemons, and the CPU time that a job takes them.
import { runJobs, runMonitors } from "./load.ts";
import type { Daemon } from "./process.ts";
import type { Check, Part } from "./report.ts";
import type { World } from "./world.ts";

const firstJobs = 1_000;
const allJobs = 10_000;
const monitors = 10_000;
const settleMs = 3_000;
const maxRss = 60;
/** What may lie between two measurements of a heap that does not grow, in MB. */
const flat = 5;

interface Reading {
  readonly rss: number;
  readonly anonymous: number;
  readonly cpuMs: number;
}

export const memory: Part<World> = {
  name: "memory",
  async run(world) {
    await world.restart();
    const daemons = [world.controller, world.agent];
    const readings = new Map<string, Reading[]>();
    const read = async (what: string) => {
      await Bun.sleep(settleMs);
      readings.set(what, await Promise.all(daemons.map(reading)));
    };
    await read("after start");
    const { bluechi } = await world.jobs();
    await runJobs(bluechi, firstJobs);
    await read(`after ${firstJobs} jobs`);
    await runJobs(bluechi, allJobs - firstJobs);
    await read(`after ${allJobs} jobs`);
    await runMonitors(await world.bus(world.main), monitors);
    await read(`and ${monitors} monitors`);
    const [, early, late] = [...readings.values()];
    if (!early || !late) throw new Error("there is no reading");
    const perJob = (index: number) => ((late[index]?.cpuMs ?? 0) - (early[index]?.cpuMs ?? 0)) / (allJobs - firstJobs);
    return {
      title: "Memory, MB",
      columns: daemons.flatMap(({ name }) => [name, "anonymous"]),
      rows: [
        ...[...readings].map(
          ([what, all]) => [what, ...all.flatMap(({ rss, anonymous }) => [rss, anonymous])] as [string, ...number[]],
        ),
        ["CPU time of a job, ms", ...daemons.flatMap((_, index) => [perJob(index), ""])],
      ],
      checks: daemons.flatMap(({ name }, index) => bounds(name, early[index], late[index])),
    };
  },
};

async function reading(daemon: Daemon): Promise<Reading> {
  return { ...(await daemon.memory()), cpuMs: await daemon.cpuMs() };
}

function bounds(name: string, early: Reading | undefined, late: Reading | undefined): Check[] {
  if (!early || !late) return [];
  const grown = late.anonymous - early.anonymous;
  return [
    { what: `${name}: memory after ${firstJobs} jobs`, value: early.rss, below: maxRss, unit: "MB" },
    { what: `${name}: growth from there to ${allJobs} jobs`, value: grown, below: flat, unit: "MB" },
  ];
}
