// Starting and stopping a unit of another host: by the controller, and by that host's systemd.
import type { Jobs } from "./job-clients.ts";
import type { Check, Part } from "./report.ts";
import { inTurn, timed } from "./sample.ts";
import { service, target, type World } from "./world.ts";

const rounds = 300;
const maxAddedMs = 10;

export const jobs: Part<World> = {
  name: "jobs",
  async run(world) {
    const ways = await world.jobs();
    const checks: Check[] = [];
    const rows: [string, ...number[]][] = [];
    for (const unit of [target, service]) {
      const both = (way: Jobs) => async () => ({
        start: await timed(() => way.run("start", unit)),
        stop: await timed(() => way.run("stop", unit)),
      });
      const measured = await inTurn({ bluechi: both(ways.bluechi), systemd: both(ways.systemd) }, rounds);
      for (const [type, { bluechi, systemd }] of Object.entries(measured)) {
        const what = `${type} ${unit}`;
        const added = bluechi.median - systemd.median;
        rows.push([what, bluechi.median, bluechi.p99, systemd.median, systemd.p99, added]);
        checks.push({ what: `what bluechi adds to ${what}`, value: added, below: maxAddedMs, unit: "ms" });
      }
    }
    const columns = ["bluechi", "p99", "systemd", "p99", "added"];
    return { title: "Jobs, ms", columns, rows, checks };
  },
};
