// How soon the loss of a link is noticed, at both of its ends, and how soon it is there again when it can be.
import { setTimeout as pause } from "node:timers/promises";
import { type End, LinkWatch, losses } from "../e2e/losses.ts";
import type { Part, Row } from "./report.ts";
import { Sample } from "./sample.ts";
import type { World } from "./world.ts";

const rounds = 3;
/** Far above what is promised: what is slow is to be seen, not to end the benchmark. */
const limitMs = 30_000;
const badLineMs = 60_000;

export const lossTimes: Part<World> = {
  name: "losses",
  async run({ cluster, node }) {
    await node.sh("systemctl enable bluechi-agent");
    const rows: Row[] = [];
    for (const loss of losses) {
      const noticed: Record<End, number[]> = { controller: [], agent: [] };
      const healed: number[] = [];
      for (let round = 0; round < rounds; round++) {
        const watch = await LinkWatch.on(cluster, node.name);
        for (const [end, ms] of await watch.begin(loss, limitMs)) noticed[end].push(ms / 1000);
        healed.push((await watch.heal(loss, limitMs)) / 1000);
        watch.close();
      }
      rows.push([loss.what, median(noticed.controller), median(noticed.agent), median(healed)]);
    }
    const watch = await LinkWatch.on(cluster, node.name);
    await node.lose(0.3);
    await pause(badLineMs);
    await node.mend();
    await cluster.online(node.name);
    const times = (end: End) => `${watch.losses(end)} times`;
    rows.push(["a third of all packets is lost for a minute", times("controller"), times("agent"), ""]);
    watch.close();
    return [{ title: "Losses, s", columns: ["controller notices", "agent notices", "healed"], rows }];
  },
};

function median(values: readonly number[]): number | string {
  return values.length > 0 ? new Sample(values).median : "";
}
