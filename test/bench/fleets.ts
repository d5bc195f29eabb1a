// What the controller costs as the fleet grows, idle and asked, with agents that are simulated beside the real ones.
import { cpuOf, type Meter } from "./process.ts";
import { propertyQuery } from "./queries.ts";
import type { Check, Part, Row } from "./report.ts";
import { Sample, scaled, timed } from "./sample.ts";
import { Fleet, fleetNode, withFleetAllowed } from "./simulated.ts";
import { many, type World } from "./world.ts";

const sizes = [3, 50, 200, 1000, 5000] as const;
/** Two heartbeats of each agent; of several such windows the median counts: now and then one has a full collection. */
const windowMs = 4000;
const windows = 3;
/** By now the controller has asked all of them, which it does five seconds after they came, what they keep for others. */
const settleMs = 7000;
const queryCount = 2000;
const queryRounds = 9;
const jobCount = 1000;
/** So many nodes are asked in turn, of every fleet: the fewer they are, the more calls of one write there are to each. */
const askedNodes = 3;

export const fleets: Part<World> = {
  name: "fleets",
  run: (world) =>
    withFleetAllowed(world, Math.max(...sizes), async () => {
      await warmUp(world);
      const found = new Map<number, Found>();
      for (const size of sizes) found.set(size, await measure(world, size));
      const of = (size: (typeof sizes)[number]) => found.get(size) ?? nothing;
      const rows = [...found].map(([size, { connectMs, idle, query, job, before, after }]): Row => {
        return [`${size} agents`, connectMs, idle, query, job, before, after];
      });
      const idleChecks = ([1000, 5000] as const).map((size): Check => {
        return { what: `idle, ${size} agents, each`, value: of(size).idle / size, below: 1, unit: "ms a minute" };
      });
      const grown = of(1000).query / of(3).query;
      const what = "GetUnitProperty with 1,000 agents";
      return [
        {
          title: "Controller with a fleet",
          columns: ["connect, ms", "idle, ms a minute", "GetUnitProperty, us", "job, us", "MB", "MB after load"],
          rows,
          checks: [...idleChecks, { what, value: grown, below: 1.2, unit: "times that with 3" }],
        },
      ];
    }),
};

interface Found {
  readonly connectMs: number;
  /** CPU time of the controller: ms a minute, then us each. */
  readonly idle: number;
  readonly query: number;
  readonly job: number;
  /** Its resident memory in MB. */
  readonly before: number;
  readonly after: number;
}
const nothing: Found = { connectMs: Number.NaN, idle: 0, query: 0, job: 0, before: 0, after: 0 };

/** The code of the first fleet shall be as warm as that of the last. */
async function warmUp(world: World): Promise<void> {
  const { fleet } = await Fleet.open(world, 3);
  const { query, job } = await asking(world);
  for (let round = 0; round < queryRounds; round++) await atOnce(scaled(queryCount), query);
  await atOnce(scaled(jobCount), job);
  await leave(world, fleet);
}

async function measure(world: World, size: number): Promise<Found> {
  const controller = await world.controller.process();
  const meter: Meter<"controller"> = { controller: [controller] };
  const { fleet, online } = await Fleet.open(world, size);
  await Bun.sleep(settleMs); // Nothing tells that there is nothing more to do for new nodes.
  const { rss: before } = await controller.memory();
  const { median: idle } = await sample(windows, async () => {
    const used = await cpuOf(meter, () => Bun.sleep(windowMs)); // Nothing is what is measured.
    return used.controller / windowMs;
  });
  const { query, job } = await asking(world);
  const each = async (count: number, work: (index: number) => Promise<unknown>) => {
    let ms = 0;
    const { controller: us } = await cpuOf(meter, async () => {
      ms = await timed(() => atOnce(count, work));
    });
    return (us - ms * idle) / count;
  };
  const found = {
    connectMs: online.afterMs,
    idle: (idle * 60_000) / 1000,
    // Of a quarter that other work has hardly disturbed, the slowest.
    query: (await sample(queryRounds, () => each(scaled(queryCount), query))).at(0.25),
    job: await each(scaled(jobCount), job),
    before,
    after: (await controller.memory()).rss,
  };
  await leave(world, fleet);
  return found;
}

/** Measures so many times. */
async function sample(rounds: number, measure: () => Promise<number>): Promise<Sample> {
  const found: number[] = [];
  for (let round = 0; round < scaled(rounds); round++) found.push(await measure());
  return new Sample(found);
}

async function asking(world: World) {
  const caller = await world.caller(world.main);
  const nodes = Array.from({ length: askedNodes }, (_, index) => propertyQuery(caller, fleetNode(index)));
  const jobs = await world.controllerJobs(fleetNode(0));
  return {
    query: (index: number) => nodes[index % nodes.length]?.() ?? Promise.resolve(),
    job: (index: number) => jobs.run("start", many(index)),
  };
}

/** At once, so that what the controller does each second, whatever it is asked, counts for little. */
async function atOnce(count: number, work: (index: number) => Promise<unknown>): Promise<void> {
  await Promise.all(Array.from({ length: count }, (_, index) => work(index)));
}

async function leave(world: World, fleet: Fleet): Promise<void> {
  world.disconnect();
  await fleet.close();
  await world.cluster.offline(fleetNode(0));
}
