// What passes the network between an agent and the controller.
import { trafficOf } from "./process.ts";
import { openQueries } from "./queries.ts";
import type { Part, Row } from "./report.ts";
import { scaled } from "./sample.ts";
import { target, type World } from "./world.ts";

const idleMs = 20_000;
/** By now all that comes with the start of agents has been said. */
const settleMs = 6000;
const times = 200;
const maxIdleKb = 5;

export const traffic: Part<World> = {
  name: "traffic",
  async run(world) {
    const { node } = world;
    await Bun.sleep(settleMs); // Nothing tells that there is nothing more to say.
    const minutes = Math.max(scaled(idleMs), 4000) / 60_000;
    const idle = await trafficOf(node, () => Bun.sleep(minutes * 60_000)); // An idle link is what is measured.
    const { property } = await openQueries(world);
    const { bluechi } = await world.jobs();
    const each = async (work: () => Promise<unknown>) => {
      await work();
      const { bytes, packets } = await trafficOf(node, async () => {
        for (let done = 0; done < times; done++) await work();
      });
      return { bytes: bytes / times, packets: packets / times };
    };
    const one = await each(property.bluechi);
    const pair = await each(async () => {
      await bluechi.run("start", target);
      await bluechi.run("stop", target);
    });
    const rows: Row[] = [
      ["an idle agent, a minute", idle.bytes / minutes, idle.packets / minutes],
      ["a job", pair.bytes / 2, pair.packets / 2],
      ["a property", one.bytes, one.packets],
    ];
    const kb = idle.bytes / minutes / 1000;
    return [
      {
        title: "On the wire, with the headers of IP and TCP",
        columns: ["bytes", "packets"],
        rows,
        checks: [{ what: "an idle agent", value: kb, below: maxIdleKb, unit: "kB a minute" }],
        ratios: { "bytes of a job": pair.bytes / 2, "bytes of a property": one.bytes },
      },
    ];
  },
};
