// Nothing is left behind by what has ended: no objects, no open files, no memory.
import { afterAll, expect } from "bun:test";
import { Ear } from "../bench/events.ts";
import { openMonitor, runJobs, runMonitors } from "../bench/load.ts";
import { Daemon } from "../bench/process.ts";
import { Reconnecting } from "../bench/reconnecting.ts";
import { service, World } from "../bench/world.ts";
import { testsOn } from "../testbed/host-test.ts";

/** Far above what the heap varies by, far below what the load would leave behind if each of its items left 10 kB. */
const maxGrowthMb = 20;
/** How often an agent loses its controller meanwhile, at the least. */
const losses = 100;
/** What a link that is being made has open. */
const linkFiles = 2;
/** By now the garbage has been collected. */
const settleMs = 2500;

const world = await World.open("third");
const test = testsOn(world.cluster.lab);
const { main } = world;
const third = world.cluster.host("third");
const daemons = [world.controller, world.agent, new Daemon(third, "bluechi-agent")];

afterAll(() => world.close());

async function load(jobs: number, monitors: number, programs: number, proxies: number): Promise<void> {
  // Somebody hears of all that the jobs do.
  await Ear.open(await world.caller(main), [world.node]);
  const { bluechi } = await world.jobs();
  await runJobs(bluechi, jobs);
  await runMonitors(await world.bus(main), monitors);
  for (let count = 0; count < programs; count++) {
    await openMonitor(await world.bus(main), service);
    world.disconnect();
  }
  for (let count = 0; count < proxies; count++) {
    await main.sh("systemctl start bench-source.service && systemctl stop bench-source.service");
    await world.cluster.reaches("main", "bluechi-proxy@node_bench-cdn.service", "inactive");
    await world.cluster.reaches("node", "bench-cdn.service", "inactive");
  }
  world.disconnect();
  await Bun.sleep(settleMs);
}

const look = () =>
  Promise.all(
    daemons.map(async (daemon) => ({
      name: daemon.name,
      anonymous: (await daemon.memory()).anonymous,
      files: await daemon.files(),
    })),
  );

test("jobs, events, monitors, proxies and lost links leave nothing behind", async () => {
  const reconnecting = await Reconnecting.on(world, third);
  await load(300, 100, 10, 2);
  const before = await look();
  const lost = reconnecting.count;
  await load(2000, 1000, 100, 10);
  await reconnecting.times(lost + losses);
  const after = await look();
  for (const [index, { name, anonymous, files }] of after.entries()) {
    expect(files - before[index]!.files, `files more that ${name} has open`).toBeLessThanOrEqual(linkFiles);
    expect(anonymous - before[index]!.anonymous, `what ${name} has grown by, in MB`).toBeLessThan(maxGrowthMb);
  }
  const objects = (await main.sh("busctl tree --list org.eclipse.bluechi")).trim().split("\n");
  expect(objects.filter((path) => /\/(job|monitor)(\/|$)/.test(path))).toEqual([]);
  expect(objects).toContain("/org/eclipse/bluechi/node/node");
});
