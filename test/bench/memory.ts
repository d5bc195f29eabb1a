// What jobs and monitors leave behind in the daemons.
import { runJobs, runMonitors } from "./load.ts";
import type { Memory } from "./process.ts";
import type { Check, Part, Row } from "./report.ts";
import { scaled } from "./sample.ts";
import type { World } from "./world.ts";

/** How many jobs there were at each reading: the first, one when the heap has its size, and later ones. */
const counts = [1_000, 10_000, 15_000, 20_000].map(scaled);
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
    const rows: Row[] = [];
    const read = async (what: string): Promise<readonly Memory[]> => {
      await Bun.sleep(settleMs); // No event tells that garbage has been collected.
      const all = await Promise.all(daemons.map((daemon) => daemon.memory()));
      rows.push([what, ...all.flatMap(({ rss, anonymous }) => [rss, anonymous])]);
      return all;
    };
    await read("after start");
    const { bluechi } = await world.jobs();
    const readings: (readonly Memory[])[] = [];
    let done = 0;
    for (const count of counts) {
      await runJobs(bluechi, count - done);
      done = count;
      readings.push(await read(`after ${count} jobs`));
    }
    await runMonitors(await world.bus(world.main), monitors);
    await read(`and ${monitors} monitors`);
    const columns = daemons.flatMap(({ name }) => [name, "anonymous"]);
    const checks = daemons.flatMap(({ name }, index) =>
      bounds(
        name,
        readings.map((all) => all[index] as Memory),
      ),
    );
    return [{ title: "Memory, MB", columns, rows, checks }];
  },
};

function bounds(name: string, readings: readonly Memory[]): Check[] {
  const [first, settled, ...later] = readings;
  if (!first || !settled) throw new Error("there is no reading");
  // What one reading has more may be garbage of the last second; what stays is in all of them.
  const grown = Math.min(...later.map(({ anonymous }) => anonymous)) - settled.anonymous;
  return [
    { what: `${name}: memory after ${counts[0]} jobs`, value: first.rss, below: maxRss, unit: "MB" },
    { what: `${name}: growth from ${counts[1]} to ${counts.at(-1)} jobs`, value: grown, below: flat, unit: "MB" },
  ];
}
