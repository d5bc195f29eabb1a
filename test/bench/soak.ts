// What is left in the daemons of everything that comes and goes, all at once, for DURATION= seconds: jobs, events, monitors,
// and agents that lose their controller again and again. Each has an amount to reach, spread over the time, so that who is
// ahead leaves the machine to the others.
import { setTimeout as pause } from "node:timers/promises";
import { Ear } from "./events.ts";
import { runMonitors, startAndStopMany } from "./load.ts";
import { Daemon, type Memory } from "./process.ts";
import { Reconnecting } from "./reconnecting.ts";
import type { Check, Part, Row } from "./report.ts";
import { Sample } from "./sample.ts";
import type { World } from "./world.ts";

/** After so long the amounts have to be reached; a shorter soak has to reach its share. The looks come on top of it. */
const wholeS = 600;
const durationS = Number(process.env.DURATION || wholeS);
const rounds = 10;
/** Rounds whose medians are compared, as a single one depends on when garbage was collected. In the first a heap grows. */
const early = [2, 3, 4];
const late = [8, 9, 10];
/** By now the garbage has been collected. */
const settleMs = 3000;
/** What may lie between two medians of a daemon that does not grow, in MB. */
const flat: Memory = { rss: 10, anonymous: 8 };
/** Files that a link that is being made has open. */
const linkFiles = 2;

/** Something that comes and goes. */
interface Load {
  readonly what: string;
  /** How much of it has to in `wholeS`. */
  readonly amount: number;
  count(): number;
  /** Does some more of it; without this it comes and goes by itself. */
  more?(): Promise<unknown>;
}

/** The daemons at one time, and what had been done until then. */
interface Look {
  readonly counts: readonly number[];
  readonly sizes: readonly { readonly name: string; readonly files: number; readonly memory: Memory }[];
}

export const soak: Part<World> = {
  name: "soak",
  async run(world) {
    await world.restart();
    const { main, node } = world;
    const third = world.cluster.host("third");
    // An agent is back ten times a second.
    const links = await Promise.all([main, third].map((host) => Reconnecting.on(world, host)));
    const daemons = [world.controller, ...[node, main, third].map((host) => new Daemon(host, "bluechi-agent"))];
    const loads = await loadsOf(world, links);
    const looks: Look[] = [];
    const look = async () => {
      await pause(settleMs);
      const counts = loads.map(({ count }) => count());
      const sizes = daemons.map(async (daemon) => {
        return { name: daemon.name, files: await daemon.files(), memory: await daemon.memory() };
      });
      looks.push({ counts, sizes: await Promise.all(sizes) });
    };
    await look();
    for (let round = 1; round <= rounds; round++) {
      const over = pause((durationS * 1000) / rounds);
      await Promise.all(loads.map((load) => until(load, round / rounds, over)));
      await over;
      await look();
    }
    for (const link of links) await link.close();
    const rows = looks.map(({ counts, sizes }, round): Row => {
      return [
        `${round} of ${rounds}`,
        ...counts,
        ...sizes.flatMap(({ memory: { rss, anonymous } }) => [rss, anonymous]),
      ];
    });
    const columns = [...loads.map(({ what }) => what), ...daemons.flatMap(({ name }) => [name, "anonymous"])];
    const checks = [...reached(loads), ...small(looks)];
    return [{ title: `Memory in ${durationS} s, MB`, columns, rows, checks }];
  },
};

async function loadsOf(world: World, links: readonly Reconnecting[]): Promise<readonly Load[]> {
  const { bluechi, systemd } = await world.jobs();
  const bus = await world.bus(world.main);
  const ear = await Ear.open(await world.caller(world.main), [world.node]);
  // What the jobs cause is not enough. The next wait for what is told of these: an agent with too much to say is cut off.
  const units = () => startAndStopMany(systemd, 100, 100).then(() => ear.caughtUp());
  return [
    counted("jobs", 100_000, 200, (jobs) => startAndStopMany(bluechi, jobs / 2)),
    { what: "events", amount: 1_000_000, count: () => ear.events, more: units },
    counted("monitors", 10_000, 20, (monitors) => runMonitors(bus, monitors)),
    { what: "reconnects", amount: 10_000, count: () => links.reduce((sum, { count }) => sum + count, 0) },
  ];
}

/** @param batch how many are done between two looks at the clock. */
function counted(what: string, amount: number, batch: number, run: (count: number) => Promise<void>): Load {
  let done = 0;
  const more = async () => {
    await run(batch);
    done += batch;
  };
  return { what, amount, count: () => done, more };
}

const due = ({ amount }: Load, share = 1) => (share * amount * durationS) / wholeS;

/** Does something until so much of it is done, or the time is over. */
async function until(load: Load, share: number, over: Promise<unknown>): Promise<void> {
  let isOver = false;
  void over.then(() => (isOver = true));
  while (load.more && load.count() < due(load, share) && !isOver) await load.more();
}

function reached(loads: readonly Load[]): Check[] {
  return loads.map((load) => ({ what: load.what, value: load.count(), above: due(load) - 1, unit: "" }));
}

/** That no daemon has grown, nor has more files open. */
function small(looks: readonly Look[]): Check[] {
  const [first, last] = [looks[0]?.sizes ?? [], looks.at(-1)?.sizes ?? []];
  return last.flatMap(({ name, files }, index): Check[] => {
    const medianOf = (rounds: readonly number[], kind: keyof Memory) =>
      new Sample(rounds.map((round) => looks[round]?.sizes[index]?.memory[kind] ?? Number.NaN)).median;
    const grown = (kind: keyof Memory) => ({
      what: `what ${name} has grown by since rounds ${early.join(", ")}, ${kind}`,
      value: medianOf(late, kind) - medianOf(early, kind),
      below: flat[kind],
      unit: "MB",
    });
    const below = (first[index]?.files ?? 0) + linkFiles + 1;
    return [grown("rss"), grown("anonymous"), { what: `files that ${name} has open`, value: files, below, unit: "" }];
  });
}
