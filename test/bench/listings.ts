// Listing all units: of one node, and of three.
import type { Host } from "../testbed/host.ts";
import { trafficOf } from "./process.ts";
import { both, inTurn, openAllUnits, openQueries, type Query } from "./queries.ts";
import { required } from "./reference.ts";
import { compared, comparison, cpuColumns, cpuRatio, cpuRow, type Part, type Row } from "./report.ts";
import { atOnce, interleaved, oneByOne, scaled, timed, type Way } from "./sample.ts";
import { fill, unitCount } from "./units.ts";
import { lane, type World } from "./world.ts";

const rounds = 20;
const count = 10;
const allAtOnce = 8;
/** Lists whose bytes are counted, one after the other: those that are asked for at once share an answer. */
const sent = 100;

export const listings: Part<World> = {
  name: "list-units",
  async run(world) {
    const { hosts } = world.cluster;
    const empty = await fill(world, hosts);
    const { units } = await openQueries(world);
    const options = { rounds: scaled(rounds), count, meter: await world.meter() };
    const piped = await interleaved(both(units, atOnce), options);
    const one = await interleaved(both(units, inTurn), options);
    const { bytes } = await trafficOf(world.node, () => inTurn(units.bluechi)(sent));
    const query = await openAllUnits(world);
    const options3 = { ...options, meter: await world.meter(hosts) };
    const three = await interleaved({ time: inTurn(query) }, options3);
    const piped3 = await interleaved({ time: atOnce(query) }, { ...options3, count: allAtOnce });
    const [another, another3] = [await changing(world, [world.node]), await changing(world, hosts)];
    const changed = await interleaved(both(units, another), options);
    const changed3 = await interleaved({ time: another3(query) }, options3);
    await empty();
    const what = `Node.ListUnits of ${unitCount}` as const;
    const what3 = `Controller.ListUnits of ${hosts.length} x ${unitCount}`;
    const newEach = "another list each time";
    const rate = (found: typeof piped.bluechi) => 1000 / found.times.time.median;
    const { controller, agent, bus, systemd } = three.time.cpu;
    const rates: Row[] = [
      [what, rate(piped.bluechi), rate(piped.systemd)],
      [what3, rate(piped3.time), ""],
    ];
    return [
      {
        title: "Lists, ms",
        columns: comparison,
        rows: [
          compared(what, one, "time"),
          compared(`${what}, ${newEach}`, changed, "time"),
          [what3, three.time.times.time.median, three.time.times.time.p99],
          [`${what3}, ${newEach}`, changed3.time.times.time.median, changed3.time.times.time.p99],
        ],
        checks: [
          required(what, one.bluechi.times.time.median, one.systemd.times.time.median),
          { what: `${what} on the wire`, value: bytes / sent / 1000, below: 25, unit: "kB" },
          { what: what3, value: three.time.times.time.median, below: 7, unit: "ms" },
          { what: `${what3}: controller`, value: controller / 1000, below: 1.5, unit: "ms" },
        ],
        ratios: {
          [`${what}, pipelined`]: cpuRatio(piped),
          "bytes on the wire for each unit": bytes / sent / unitCount,
        },
      },
      { title: "At once, a second", columns: ["bluechi", "systemd"], rows: rates },
      {
        title: "CPU time, us",
        columns: cpuColumns,
        rows: [
          cpuRow(what, one),
          cpuRow(`${what}, pipelined`, piped),
          [what3, controller, agent, bus, systemd],
          // The others have to do with the change, too.
          [`${what}, ${newEach}`, changed.bluechi.cpu.controller],
          [`${what3}, ${newEach}`, changed3.time.cpu.controller],
        ],
      },
      { title: "On the wire", columns: ["kB"], rows: [[what, bytes / sent / 1000]] },
    ];
  },
};

/** One after the other, and before each a unit of every host starts or stops, so that no list is as the one before. */
async function changing(world: World, hosts: readonly Host[]): Promise<(query: Query) => Way<"time">> {
  const jobs = await Promise.all(hosts.map(async (host) => (await world.jobs(host)).systemd));
  let changes = 0;
  return (query) =>
    oneByOne(async () => {
      const type = changes++ % 2 === 0 ? "start" : "stop";
      await Promise.all(jobs.map((of) => of.run(type, lane(0))));
      return { time: await timed(query) };
    });
}
