// What units that start and stop on a node, without anybody's asking by bluechi, cost the agent and systemd there.
import { systemdJobsOnBus } from "./job-clients.ts";
import { openMonitor } from "./load.ts";
import { cpuOf, Process } from "./process.ts";
import type { Part, Row } from "./report.ts";
import { scaled } from "./sample.ts";
import { service, target, type World } from "./world.ts";

const rounds = 2;
const pairs = 200;

/** The controller's last question to a node that has come is asked after 5 s, and systemd is left 6 s after that. */
const leavesMs = 30_000;

/** Who is there meanwhile, and how that comes about after the one before; the first is what the others are compared with. */
const cases: Record<string, (world: World) => Promise<void>> = {
  "no agent": async ({ node }) => void (await node.sh("systemctl stop bluechi-agent")),
  "an agent": async (world) => {
    await world.node.sh("systemctl start bluechi-agent");
    await world.cluster.online("node");
    // What comes with its start keeps it at systemd for a while.
    await world.node.until(
      "the agent to leave systemd",
      async () => {
        return (await world.node.sh("ss -xH state established src /run/systemd/private")) === "";
      },
      leavesMs,
    );
  },
  "an agent, a monitor of another unit": async (world) =>
    void (await openMonitor(await world.bus(world.main), "other.service")),
  "an agent, a monitor of all units": async (world) => void (await openMonitor(await world.bus(world.main), "*")),
};

export const idle: Part<World> = {
  name: "idle",
  async run(world) {
    const found = new Map<string, { systemd: number; agent: number }>();
    for (let round = 0; round < scaled(rounds); round++) {
      for (const [name, prepare] of Object.entries(cases)) {
        await prepare(world);
        for (const [kind, unit] of Object.entries({ target, oneshot: service })) {
          const key = `${kind}, ${name}`;
          const { systemd, agent } = await startAndStop(world, unit);
          const sum = found.get(key) ?? { systemd: 0, agent: 0 };
          found.set(key, { systemd: sum.systemd + systemd, agent: sum.agent + agent });
        }
      }
      world.disconnect();
    }
    const perPair = (us: number) => us / scaled(rounds) / pairs;
    const of = (key: string) => found.get(key) ?? { systemd: Number.NaN, agent: Number.NaN };
    const alone = of("target, no agent").systemd;
    const listening = of("target, an agent");
    const rows: Row[] = [...found].map(([key, { systemd, agent }]) => [key, perPair(agent), perPair(systemd)]);
    return [
      {
        title: "CPU time of a start and a stop, us",
        columns: ["agent", "systemd"],
        rows,
        checks: [
          { what: "an agent with nobody listening", value: perPair(listening.agent), below: 10, unit: "us" },
          { what: "systemd with such an agent", value: listening.systemd / alone, below: 1.1, unit: "times without" },
        ],
        ratios: { "CPU time of systemd with an agent": listening.systemd / alone },
      },
    ];
  },
};

async function startAndStop(world: World, unit: string): Promise<{ systemd: number; agent: number }> {
  const jobs = await systemdJobsOnBus(await world.caller(world.node));
  const running = (await world.node.run(["systemctl", "is-active", "-q", "bluechi-agent"])).status === 0;
  const meter = {
    systemd: [await Process.of(world.node, 1)],
    agent: running ? [await world.agent.process()] : [],
  };
  return cpuOf(meter, async () => {
    for (let pair = 0; pair < pairs; pair++) {
      await jobs.run("start", unit);
      await jobs.run("stop", unit);
    }
  });
}
