// What units that start and stop on a node, without anybody's asking by bluechi, cost the agent and systemd there.
import { systemdJobsOnBus } from "./job-clients.ts";
import { openMonitor } from "./load.ts";
import { Process } from "./process.ts";
import type { Part, Row } from "./report.ts";
import { Sample, scaled } from "./sample.ts";
import { service, target, type World } from "./world.ts";

const rounds = 2;
const pairs = 100;

/** The controller's last question to a node that has come is asked after 5 s, and systemd is left 6 s after that. */
const leavesMs = 30_000;

/** Who is there: an agent, and a monitor of a unit. */
interface Case {
  readonly agent: boolean;
  readonly monitor?: string;
}

const alone = "no agent";
const unneeded = "an agent";
const cases: Readonly<Record<string, Case>> = {
  [alone]: { agent: false },
  [unneeded]: { agent: true },
  "an agent, a monitor of another unit": { agent: true, monitor: "other.service" },
  "an agent, a monitor of all units": { agent: true, monitor: "*" },
};

/** CPU time of each start with its stop, in microseconds. */
interface Found {
  readonly systemd: number[];
  readonly agent: number[];
}

export const idle: Part<World> = {
  name: "idle",
  async run(world) {
    const units = Object.entries({ target, oneshot: service });
    const found = new Map<string, Found>();
    for (const [kind] of units)
      for (const name of Object.keys(cases)) found.set(`${kind}, ${name}`, { systemd: [], agent: [] });
    for (let round = 0; round < scaled(rounds); round++) {
      // There and back, so that whatever changes with time, systemd and the machine among it, changes all cases alike.
      const order = Object.entries(cases);
      for (const [name, who] of round % 2 === 0 ? order : order.reverse()) {
        await prepare(world, who);
        for (const [kind, unit] of units) await startAndStop(world, unit, who, found.get(`${kind}, ${name}`));
      }
    }
    await prepare(world, { agent: true });
    const of = (name: string) => found.get(`target, ${name}`) ?? { systemd: [], agent: [] };
    // Both have other work now and then, such as heartbeats, which takes as long as many pairs.
    const median = (us: readonly number[]) => new Sample(us).median;
    const times = median(of(unneeded).systemd) / median(of(alone).systemd);
    const rows = [...found].map(([what, { agent, systemd }]): Row => [what, median(agent), median(systemd)]);
    return [
      {
        title: "CPU time of a start and a stop, us",
        columns: ["agent", "systemd"],
        rows,
        checks: [
          { what: "an agent with nobody listening", value: median(of(unneeded).agent), below: 10, unit: "us" },
          { what: "systemd with such an agent", value: times, below: 1.1, unit: "times without" },
        ],
        ratios: { "CPU time of systemd with an agent": times },
      },
    ];
  },
};

async function prepare(world: World, { agent, monitor }: Case): Promise<void> {
  const { node, main, cluster } = world;
  world.disconnect();
  await node.sh(`systemctl ${agent ? "start" : "stop"} bluechi-agent`);
  if (!agent) return;
  await cluster.online("node");
  // What comes with its start, or had a monitor before, keeps it at systemd for a while.
  await node.until(
    "the agent to leave systemd",
    async () => (await node.sh("ss -xH state established src /run/systemd/private")) === "",
    leavesMs,
  );
  if (monitor) await openMonitor(await world.bus(main), monitor);
}

async function startAndStop(world: World, unit: string, { agent }: Case, found?: Found): Promise<void> {
  const jobs = await systemdJobsOnBus(await world.caller(world.node));
  const processes = {
    systemd: await Process.of(world.node, 1),
    agent: agent ? await world.agent.process() : undefined,
  };
  const read = async () => [await processes.systemd.cpuUs(), (await processes.agent?.cpuUs()) ?? 0] as const;
  let before = await read();
  for (let pair = 0; pair < pairs; pair++) {
    await jobs.run("start", unit);
    await jobs.run("stop", unit);
    const after = await read();
    found?.systemd.push(after[0] - before[0]);
    found?.agent.push(after[1] - before[1]);
    before = after;
  }
}
