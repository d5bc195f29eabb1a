// What is left in the daemons of everything that comes and goes, all at once, for DURATION= seconds: jobs, the events that
// they cause, monitors, and an agent that loses its controller again and again.
import { setTimeout as pause } from "node:timers/promises";
import { Ear } from "./events.ts";
import { runJobs, runMonitors } from "./load.ts";
import { Daemon } from "./process.ts";
import { Reconnecting } from "./reconnecting.ts";
import type { Part, Row } from "./report.ts";
import type { World } from "./world.ts";

const durationS = Number(process.env.DURATION || 600);
const rounds = 10;
/** After so many rounds a heap has its size. */
const early = 2;
/** What is done between two looks at the clock. */
const jobs = 100;
const monitors = 10;
/** By now the garbage has been collected. */
const settleMs = 3000;
/** What may lie between two measurements of a heap that does not grow, in MB. */
const flat = 6;

export const soak: Part<World> = {
  name: "soak",
  async run(world) {
    await world.restart();
    const third = world.cluster.host("third");
    const reconnecting = await Reconnecting.on(world, third);
    const daemons = [world.controller, world.agent, new Daemon(third, "bluechi-agent")];
    const { bluechi } = await world.jobs();
    const bus = await world.bus(world.main);
    const ear = await Ear.open(await world.caller(world.main), [world.node]);
    const done = { jobs: 0, monitors: 0 };
    const looks: Look[] = [];
    const look = async () => {
      await pause(settleMs);
      const count = [done.jobs, ear.events, done.monitors, reconnecting.count];
      const sizes = daemons.map(async (daemon) => ({
        name: daemon.name,
        files: await daemon.files(),
        ...(await daemon.memory()),
      }));
      looks.push({ count, sizes: await Promise.all(sizes) });
    };
    await look();
    for (let round = 1; round <= rounds; round++) {
      const endMs = performance.now() + (durationS * 1000) / rounds - settleMs;
      do {
        await Promise.all([runJobs(bluechi, jobs), runMonitors(bus, monitors)]);
        done.jobs += jobs;
        done.monitors += monitors;
      } while (performance.now() < endMs);
      await look();
    }
    await reconnecting.close();
    const [settled, last] = [looks[early] as Look, looks.at(-1) as Look];
    const checks = last.sizes.map(({ name, anonymous }, index) => {
      const value = anonymous - (settled.sizes[index]?.anonymous ?? 0);
      return { what: `what ${name} has grown by since the second round`, value, below: flat, unit: "MB" };
    });
    const files = last.sizes.map(({ name, files: value }, index) => {
      return { what: `files that ${name} has open`, value, below: (looks[0]?.sizes[index]?.files ?? 0) + 3, unit: "" };
    });
    const rows = looks.map(({ count, sizes }, round): Row => {
      return [`${round} of ${rounds}`, ...count, ...sizes.flatMap(({ rss, anonymous }) => [rss, anonymous])];
    });
    const columns = ["jobs", "events", "monitors", "reconnects", ...daemons.flatMap(({ name }) => [name, "anonymous"])];
    return [{ title: `Memory in ${durationS} s, MB`, columns, rows, checks: [...checks, ...files] }];
  },
};

/** The daemons at one time, and what had been done until then. */
interface Look {
  readonly count: readonly number[];
  readonly sizes: readonly { name: string; files: number; rss: number; anonymous: number }[];
}
