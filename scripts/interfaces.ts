// Writes the D-Bus interface files that the package installs: bun scripts/interfaces.ts FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { agentInterface } from "../src/api/agent.ts";
import { controllerInterface } from "../src/api/controller.ts";
import { jobInterface } from "../src/api/job.ts";
import { monitorInterface } from "../src/api/monitor.ts";
import { nodeInterface } from "../src/api/node.ts";
import { doctype, interfaceXml } from "../src/bus/introspect.ts";

const folder = process.argv[2];
if (folder === undefined) {
  console.error("usage: bun scripts/interfaces.ts FOLDER");
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
for (const table of [controllerInterface, nodeInterface, jobInterface, monitorInterface, agentInterface])
  writeFileSync(join(folder, `${table.name}.xml`), `${doctype}<node>\n${interfaceXml(table)}</node>\n`);
