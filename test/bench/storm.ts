// How soon all agents are online again when the controller was restarted.
import { join } from "node:path";
import type { Part } from "./report.ts";
import { Sample } from "./sample.ts";
import type { World } from "./world.ts";

const sizes = [1, 200, 1000] as const;
const rounds = 7;
/** The most that the storm of 200 may take. */
const maxMs = 5000;
const configuration = "/etc/bluechi/controller.conf.d/zz-fleet.conf";

export const storm: Part<World> = {
  name: "storm",
  async run(world) {
    const { main } = world;
    const names = Array.from({ length: Math.max(...sizes) }, (_, index) => `fleet${index}`);
    await main.write(configuration, names.map((name) => `[node ${name}]\nAllowed=yes\n`).join(""));
    await world.restart();
    const storms = new Map<number, Storm>();
    for (const size of sizes) storms.set(size, await restarts(world, size));
    await main.sh(`rm ${configuration}`);
    await world.restart();
    const worst = storms.get(200)?.sinceLoss.at(1) ?? Number.POSITIVE_INFINITY;
    return {
      title: "Until all agents are online after a restart of the controller, ms",
      columns: ["since the first was lost", "worst", "since it is ready", "worst"],
      rows: [...storms].map(([size, { sinceLoss, sinceReady }]) => {
        return [`${size} agents`, sinceLoss.median, sinceLoss.at(1), sinceReady.median, sinceReady.at(1)];
      }),
      checks: [{ what: "the worst return of 200 agents", value: worst, below: maxMs, unit: "ms" }],
    };
  },
};

interface Storm {
  readonly sinceLoss: Sample;
  /** Less than nothing when agents were back before systemd knew that the controller is ready. */
  readonly sinceReady: Sample;
}

async function restarts({ main, node }: World, size: number): Promise<Storm> {
  const program = join(import.meta.dir, "fleet.ts");
  const fleet = node.spawn([process.execPath, program, main.address, "fleet", `${size}`]);
  await fleet.line(/^all online/, 30_000);
  const sinceLoss: number[] = [];
  const sinceReady: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await main.sh("systemctl restart bluechi-controller");
    const [lossMs, onlineUs] = (await fleet.line(/^all online/, 30_000)).match(/\d+/g) ?? [];
    const readyUs = await main.sh("systemctl show -P ActiveEnterTimestampMonotonic bluechi-controller");
    sinceLoss.push(Number(lossMs));
    sinceReady.push((Number(onlineUs) - Number(readyUs)) / 1000);
  }
  await fleet.kill();
  await fleet.exited;
  return { sinceLoss: new Sample(sinceLoss), sinceReady: new Sample(sinceReady) };
}
