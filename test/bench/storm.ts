// How soon all agents are online again when the controller was restarted.
import type { Part } from "./report.ts";
import { Sample, scaled } from "./sample.ts";
import { Fleet, withFleetAllowed } from "./simulated.ts";
import type { World } from "./world.ts";

const sizes = [1, 200, 1000] as const;
const rounds = 7;
/** The most that the storm of 200 may take. */
const maxMs = 5000;
/** How soon 1,000 are to be back once the controller is ready. */
const maxReadyMs = 1000;

export const storm: Part<World> = {
  name: "storm",
  run: (world) =>
    withFleetAllowed(world, Math.max(...sizes), async () => {
      const storms = new Map<number, Storm>();
      for (const size of sizes) storms.set(size, await restarts(world, size));
      const worst = storms.get(200)?.sinceLoss.at(1) ?? Number.POSITIVE_INFINITY;
      const thousand = storms.get(1000)?.sinceReady.median ?? Number.POSITIVE_INFINITY;
      return [
        {
          title: "Until all agents are online after a restart of the controller, ms",
          columns: ["since the first was lost", "worst", "since it is ready", "worst"],
          rows: [...storms].map(([size, { sinceLoss, sinceReady }]) => {
            return [`${size} agents`, sinceLoss.median, sinceLoss.at(1), sinceReady.median, sinceReady.at(1)];
          }),
          checks: [
            { what: "the worst return of 200 agents", value: worst, below: maxMs, unit: "ms" },
            { what: "1,000 agents since the controller is ready", value: thousand, below: maxReadyMs, unit: "ms" },
          ],
        },
      ];
    }),
};

interface Storm {
  readonly sinceLoss: Sample;
  /** Less than nothing when agents were back before systemd knew that the controller is ready. */
  readonly sinceReady: Sample;
}

async function restarts(world: World, size: number): Promise<Storm> {
  const { fleet } = await Fleet.open(world, size);
  const sinceLoss: number[] = [];
  const sinceReady: number[] = [];
  for (let round = 0; round < scaled(rounds); round++) {
    await world.main.sh("systemctl restart bluechi-controller");
    const { afterMs, atMs } = await fleet.online();
    const readyUs = await world.main.sh("systemctl show -P ActiveEnterTimestampMonotonic bluechi-controller");
    sinceLoss.push(afterMs);
    sinceReady.push(atMs - Number(readyUs) / 1000);
  }
  await fleet.close();
  return { sinceLoss: new Sample(sinceLoss), sinceReady: new Sample(sinceReady) };
}
