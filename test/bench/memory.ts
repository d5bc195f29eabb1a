// What jobs and monitors leave behind in the daemons.
import { runJobs, runMonitors } from "./load.ts";
import type { Memory } from "./process.ts";
import type { Check, Part, Row } from "./report.ts";
import { scaled } from "./sample.ts";
import type { World } from "./world.ts";

const firstJobs = scaled(1_000);
const allJobs = scaled(10_000);
const monitors = scaled(10_000);
const settleMs = 3_000;
const maxRss = 60;
/** What may lie between two measurements of a heap that does not grow, in MB. */
const flat = 5;

export const memory: Part<World> = {
  name: "memory",
  async run(world) {
    await world.restart();
    const daemons = [world.controller, world.agent];
    const readings = new Map<string, Memory[]>();
    const read = async (what: string) => {
      await Bun.sleep(settleMs); // No event tells that garbage has been collected.
      readings.set(what, await Promise.all(daemons.map((daemon) => daemon.memory())));
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
    const rows = [...readings].map(([what, all]): Row => {
      return [what, ...all.flatMap(({ rss, anonymous }) => [rss, anonymous])];
    });
    const columns = daemons.flatMap(({ name }) => [name, "anonymous"]);
    const checks = daemons.flatMap(({ name }, index) => bounds(name, early[index], late[index]));
    return [{ title: "Memory, MB", columns, rows, checks }];
  },
};

function bounds(name: string, early: Memory | undefined, late: Memory | undefined): Check[] {
  if (!early || !late) return [];
  const grown = late.anonymous - early.anonymous;
  return [
    { what: `${name}: memory after ${firstJobs} jobs`, value: early.rss, below: maxRss, unit: "MB" },
    { what: `${name}: growth from there to ${allJobs} jobs`, value: grown, below: flat, unit: "MB" },
  ];
}
