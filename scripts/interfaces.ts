// Writes the D-Bus interface files that the package installs, which leave out metrics as the original does: bun scripts/interfaces.ts FOLDER
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { interfaces } from "../src/api/interfaces.ts";
import { metricsInterface } from "../src/api/metrics.ts";
import { doctype, interfaceXml } from "../src/bus/introspect.ts";

const folder = process.argv[2];
if (folder === undefined) {
  console.error("usage: bun scripts/interfaces.ts FOLDER");
  process.exit(1);
}
mkdirSync(folder, { recursive: true });
for (const table of interfaces.filter((each) => each !== metricsInterface))
  writeFileSync(join(folder, `${table.name}.xml`), `${doctype}<node>\n${interfaceXml(table)}</node>\n`);
