// `make bench`: measures bluechi on hosts with a real systemd each, and says whether it is as fast and as small as it has
// to be. ONLY=name,name chooses parts, OUT=file writes what was found as JSON, SCALE=0.1 takes a quick look. `make
// bench-check` measures what docs/bench.json has ratios of, and fails when one has become worse.
import { readFile, writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { join } from "node:path";
import { agents } from "./agents.ts";
import { commandTimes } from "./commands.ts";
import { events } from "./events.ts";
import { fleets } from "./fleets.ts";
import { idle } from "./idle.ts";
import { jobs } from "./jobs.ts";
import { listings } from "./listings.ts";
import { longList } from "./long-list.ts";
import { lossTimes } from "./losses.ts";
import { manyJobs } from "./many-jobs.ts";
import { memory } from "./memory.ts";
import { properties } from "./properties.ts";
import { proxies } from "./proxies.ts";
import { type Findings, kept, type Part, ratiosOf, show, type Table, worsened } from "./report.ts";
import { soak } from "./soak.ts";
import { storm } from "./storm.ts";
import { traffic } from "./traffic.ts";
import { World } from "./world.ts";

const parts: readonly Part<World>[] = [
  jobs,
  manyJobs,
  properties,
  listings,
  events,
  idle,
  proxies,
  commandTimes,
  longList,
  agents,
  traffic,
  fleets,
  storm,
  memory,
];

/** What takes its minutes by its nature, and is measured only when it is asked for. */
const onRequest: readonly Part<World>[] = [lossTimes, soak];
const known = [...parts, ...onRequest];

const before = process.argv.includes("check") ? await committed() : undefined;
const chosen = before ? [...ratiosOf(before).keys()].map((what) => what.split(":")[0]) : parts.map(({ name }) => name);
const only = (process.env.ONLY || chosen.join()).split(",");
const unknown = only.filter((name) => !known.some((part) => part.name === name));
if (unknown.length > 0) throw new Error(`no part ${unknown.join(", ")}: ${known.map(({ name }) => name).join(", ")}`);

const cores = cpus();
const machine = `${cores.length} × ${cores[0]?.model}, Linux ${(await Bun.file("/proc/sys/kernel/osrelease").text()).trim()}, Bun ${Bun.version}`;
console.log(machine);

const failed: string[] = [];
const found: Findings = { machine, tables: await measured() };
const { OUT: out } = process.env;
if (out) await writeFile(out, `${JSON.stringify(found, null, 2)}\n`);
if (failed.length > 0) console.log(`\nfailed: ${failed.join(", ")}`);
process.exit(verdict() && failed.length === 0 ? 0 : 1);

/** Whether all is as it has to be, or as it was. */
function verdict(): boolean {
  const all = Object.values(found.tables).flat();
  if (!before) return all.every(({ checks = [] }) => checks.every(kept));
  const worse = worsened(before, found);
  console.log(["", ...worse, `${worse.length} of ${ratiosOf(found).size} ratios are worse than before`].join("\n"));
  return worse.length === 0;
}

async function committed(): Promise<Findings> {
  return JSON.parse(await readFile(join(import.meta.dir, "../../docs/bench.json"), "utf8"));
}

async function measured(): Promise<Record<string, readonly Table[]>> {
  const world = await World.open("third");
  const tables: Record<string, readonly Table[]> = {};
  try {
    for (const part of known.filter(({ name }) => only.includes(name))) {
      const start = performance.now();
      // One that fails, as on a machine with too much else to do, is no reason to lose what the others find.
      const ofPart = await part.run(world).catch((error: unknown) => {
        failed.push(part.name);
        console.error(error);
        return [];
      });
      world.disconnect();
      tables[part.name] = ofPart;
      console.log(`\n=== ${part.name}: ${((performance.now() - start) / 1000).toFixed(1)} s\n`);
      console.log(ofPart.map(show).join("\n\n"));
    }
  } finally {
    await world.close();
  }
  return tables;
}
