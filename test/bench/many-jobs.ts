// A thousand targets started at once, then stopped at once: all on one node, and spread over three.
import type { Jobs } from "./job-clients.ts";
import { cpuColumns, cpuRatio, cpuRow, type Part, type Row } from "./report.ts";
import { interleaved, scaled, timed, type Way } from "./sample.ts";
import { many, type World } from "./world.ts";

const jobCount = 1000;
const rounds = 3;

export const manyJobs: Part<World> = {
  name: "many-jobs",
  async run(world) {
    const rows: Row[] = [];
    const cpu: Row[] = [];
    const ratios: Record<string, number> = {};
    for (const hosts of [[world.node], world.cluster.hosts]) {
      const where = hosts.length === 1 ? "on one node" : `on ${hosts.length} nodes`;
      const nodes = await Promise.all(hosts.map((host) => world.jobs(host)));
      const ways = {
        bluechi: startAndStop(nodes.map(({ bluechi }) => bluechi)),
        systemd: startAndStop(nodes.map(({ systemd }) => systemd)),
      };
      const found = await interleaved(ways, { rounds: scaled(rounds), meter: await world.meter(hosts) });
      for (const type of ["start", "stop"] as const) {
        const [ours, theirs] = [found.bluechi.times[type].median, found.systemd.times[type].median];
        rows.push([`${type} ${where}`, (jobCount * 1000) / ours, (jobCount * 1000) / theirs, ours / theirs]);
      }
      cpu.push(cpuRow(`a job ${where}`, found, 1 / (2 * jobCount)));
      ratios[`a job ${where}`] = cpuRatio(found);
      world.disconnect();
    }
    const columns = ["bluechi", "systemd", "ratio of times"];
    return [
      { title: `${jobCount} targets at once, jobs a second`, columns, rows, ratios },
      { title: "CPU time, us", columns: cpuColumns, rows: cpu },
    ];
  },
};

function startAndStop(nodes: readonly Jobs[]): Way<"start" | "stop"> {
  const all = (type: "start" | "stop") =>
    timed(() => {
      const each = (_: unknown, index: number) => nodes[index % nodes.length]?.run(type, many(index));
      return Promise.all(Array.from({ length: jobCount }, each));
    });
  return async () => ({ start: [await all("start")], stop: [await all("stop")] });
}
