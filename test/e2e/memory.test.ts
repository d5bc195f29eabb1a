// Nothing is left behind by what has ended: no objects, no open files, no memory.
import { afterAll, expect } from "bun:test";
import { openMonitor, runJobs, runMonitors } from "../bench/load.ts";
import { service, World } from "../bench/world.ts";
import { testsOn } from "../testbed/host-test.ts";

/** Far above what the heap varies by, far below what the load would leave behind if each of its items left 10 kB. */
const maxGrowthMb = 20;
/** By now the garbage has been collected. */
const settleMs = 2500;

const world = await World.open();
const test = testsOn(world.cluster.lab);
const { main } = world;
const daemons = [world.controller, world.agent];

afterAll(() => world.close());

async function load(jobs: number, monitors: number, programs: number, proxies: number): Promise<void> {
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

test("jobs, monitors and proxies leave nothing behind", async () => {
  await load(300, 100, 10, 2);
  const before = await look();
  await load(2000, 1000, 100, 10);
  const after = await look();
  for (const [index, { name, anonymous, files }] of after.entries()) {
    expect([name, files]).toEqual([name, before[index]!.files]);
    expect(anonymous - before[index]!.anonymous, `what ${name} has grown by, in MB`).toBeLessThan(maxGrowthMb);
  }
  const objects = (await main.sh("busctl tree --list org.eclipse.bluechi")).trim().split("\n");
  expect(objects.filter((path) => /\/(job|monitor)(\/|$)/.test(path))).toEqual([]);
  expect(objects).toContain("/org/eclipse/bluechi/node/node");
});
