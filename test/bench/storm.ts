// How soon all agents are online again when the controller was restarted.
import { join } from "node:path";
import type { Part } from "./report.ts";
import { Sample } from "./sample.ts";
import type { World } from "./world.ts";

const sizes = [1, 200, 1000] as const;
const rounds = 5;
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
    const samples = new Map<number, Sample>();
    for (const size of sizes) samples.set(size, await restarts(world, size));
    await main.sh(`rm ${configuration}`);
    await world.restart();
    return {
      title: "Storm after a restart of the controller, ms",
      columns: ["median", "worst"],
      rows: [...samples].map(([size, sample]) => [
        `${size} agents, from the loss of the first until all are online`,
        sample.median,
        sample.at(1),
      ]),
      checks: [
        { what: "the worst storm of 200 agents", value: samples.get(200)?.at(1) ?? 0, below: maxMs, unit: "ms" },
      ],
    };
  },
};

async function restarts({ main, node }: World, size: number): Promise<Sample> {
  const program = join(import.meta.dir, "fleet.ts");
  const fleet = node.spawn([process.execPath, program, main.address, "fleet", `${size}`]);
  await fleet.line(/^all online/, 30_000);
  const times: number[] = [];
  for (let round = 0; round < rounds; round++) {
    await main.sh("systemctl restart bluechi-controller");
    times.push(Number(/\d+/.exec(await fleet.line(/^all online/, 30_000))?.[0]));
  }
  await fleet.kill();
  await fleet.exited;
  return new Sample(times);
}
