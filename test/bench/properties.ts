// Asking for properties of a unit: one after the other, as many a second as can be, and while long lists are made.
import { floorOf } from "./floor.ts";
import { both, inTurn, openQueries, type Queries, type Query } from "./queries.ts";
import { required } from "./reference.ts";
import { type Check, compared, comparison, cpuColumns, cpuRatio, cpuRow, type Part, type Row } from "./report.ts";
import { atOnce, interleaved, scaled, type Way } from "./sample.ts";
import { fill, unitCount } from "./units.ts";
import type { World } from "./world.ts";

const rounds = 20;
const count = 50;
const pipelined = 500;
const lists = 4;

const names = { property: "GetUnitProperty", properties: "GetUnitProperties of a service" } as const;
const maxControllerUs = 75;

export const properties: Part<World> = {
  name: "properties",
  async run(world) {
    const queries = await openQueries(world);
    const meter = await world.meter();
    const times: Row[] = [];
    const rates: Row[] = [];
    const cpu: Row[] = [];
    const checks: Check[] = [];
    const ratios: Record<string, number> = {};
    for (const kind of ["property", "properties"] as const) {
      const name = names[kind];
      // Many first: code that is new to the runtime takes several times as long.
      const piped = await interleaved(both(queries[kind], atOnce), { rounds: scaled(rounds), count: pipelined, meter });
      const single = await interleaved(both(queries[kind], inTurn), { rounds: scaled(rounds), count, meter });
      times.push(compared(name, single, "time"));
      cpu.push(cpuRow(name, single));
      const many = `${name}, pipelined` as const;
      const perSecond = [piped.bluechi, piped.systemd].map(({ times }) => 1000 / times.time.median) as [number, number];
      rates.push([name, ...perSecond]);
      cpu.push(cpuRow(many, piped));
      checks.push(required(many, ...perSecond));
      if (kind === "property") {
        checks.push(required(names[kind], single.bluechi.times.time.median, single.systemd.times.time.median));
        const { controller: value } = single.bluechi.cpu;
        checks.push({ what: `${name}: controller`, value, below: maxControllerUs, unit: "us" });
      }
      ratios[name] = cpuRatio(single);
      ratios[many] = cpuRatio(piped);
    }
    const beside = await besideLists(world, queries.property);
    times.push(compared(`GetUnitProperty while ${lists} ListUnits of ${unitCount} units run`, beside, "time"));
    const value = beside.bluechi.times.time.median;
    checks.push({ what: `GetUnitProperty beside ${lists} ListUnits`, value, below: 2, unit: "ms" });
    return [
      { title: "Properties, ms", columns: comparison, rows: times, checks, ratios },
      { title: `${pipelined} at once, a second`, columns: ["bluechi", "systemd"], rows: rates },
      { title: "CPU time, us", columns: cpuColumns, rows: cpu },
      await floorOf(world),
    ];
  },
};

/** While one way is measured, lists are asked for in the same way, by another connection. */
async function besideLists(world: World, property: Queries) {
  const empty = await fill(world, [world.node]);
  const { units } = await openQueries(world);
  const beside =
    (query: Query, list: Query): Way<"time"> =>
    async (each) => {
      let measuring = true;
      const asking = Array.from({ length: lists }, async () => {
        while (measuring) await list();
      });
      const found = await inTurn(query)(each);
      measuring = false;
      await Promise.all(asking);
      return found;
    };
  const ways = { bluechi: beside(property.bluechi, units.bluechi), systemd: beside(property.systemd, units.systemd) };
  const found = await interleaved(ways, { rounds: scaled(rounds), count: 10 });
  await empty();
  return found;
}
