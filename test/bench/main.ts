// `make bench`: measures bluechi on two hosts with a real systemd each, and says whether it is as fast and as small as it
// has to be. ONLY=name,name chooses parts, OUT=file writes what was found as JSON.
import { writeFile } from "node:fs/promises";
import { cpus } from "node:os";
import { agents } from "./agents.ts";
import { commandTimes } from "./commands.ts";
import { jobs } from "./jobs.ts";
import { lossTimes } from "./losses.ts";
import { memory } from "./memory.ts";
import { proxies } from "./proxies.ts";
import { queries } from "./queries.ts";
import { kept, type Part, show, type Table } from "./report.ts";
import { storm } from "./storm.ts";
import { World } from "./world.ts";

const parts: readonly Part<World>[] = [jobs, queries, commandTimes, proxies, agents, storm, memory, lossTimes];

const only = (process.env.ONLY ?? "").split(",").filter(Boolean);
const unknown = only.filter((name) => !parts.some((part) => part.name === name));
if (unknown.length > 0) throw new Error(`no part ${unknown.join(", ")}: ${parts.map(({ name }) => name).join(", ")}`);

const cores = cpus();
const machine = `${cores.length} × ${cores[0]?.model}, Linux ${(await Bun.file("/proc/sys/kernel/osrelease").text()).trim()}, Bun ${Bun.version}`;
console.log(machine);

const world = await World.open();
const tables: Record<string, Table> = {};
try {
  for (const part of parts.filter(({ name }) => only.length === 0 || only.includes(name))) {
    const table = await part.run(world);
    world.disconnect();
    tables[part.name] = table;
    console.log(`\n${show(table)}`);
  }
} finally {
  await world.close();
}
const { OUT: out } = process.env;
if (out) await writeFile(out, `${JSON.stringify({ machine, tables }, null, 2)}\n`);
const missed = Object.values(tables).some(({ checks = [] }) => checks.some((check) => !kept(check)));
process.exit(missed ? 1 : 0);
