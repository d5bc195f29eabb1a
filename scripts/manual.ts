// Writes the manual pages: bun scripts/manual.ts OUTDIR. They come from docs/man, where a line such as `@settings node@` stands
// for what the tables of the program say, and `@include FILE@` for what several pages say; OUTDIR has a folder for each section.
import { join } from "node:path";
import { auditMessageId } from "../src/api/audit.ts";
import { interfaces } from "../src/api/interfaces.ts";
import { commonOptions } from "../src/base/options.ts";
import { options as agentOptions } from "../src/roles/agent/main.ts";
import { refusalMessageId } from "../src/roles/agent/refusals.ts";
import { agentSettings } from "../src/roles/agent/settings.ts";
import { verbs } from "../src/roles/agent/verbs.ts";
import { options as controllerOptions } from "../src/roles/controller/main.ts";
import { controllerSettings, nodeSettings } from "../src/roles/controller/settings.ts";
import { commands, globals } from "../src/roles/ctl/commands.ts";
import { commands as onlineCommands, options as onlineOptions } from "../src/roles/is-online/commands.ts";
import { options as joinOptions } from "../src/roles/join/main.ts";
import { options as proxyOptions } from "../src/roles/proxy/main.ts";
import { commandItem, interfaceLists, optionList, settingList, wordList } from "./mdoc.ts";
import { version } from "./version.ts";

const sources = join(import.meta.dir, "../docs/man");

/** What may stand between `@` and `@`: each thing has to be on a page, and on one only. */
const parts = new Map<string, string[]>([
  ["options bluechi-controller", optionList({ ...controllerOptions, ...commonOptions })],
  ["options bluechi-agent", optionList({ ...agentOptions, ...commonOptions })],
  ["options bluechi-proxy", optionList(proxyOptions)],
  ["options bluechi-join", optionList(joinOptions)],
  ["options bluechi-is-online", optionList(onlineOptions)],
  ["options bluechictl", optionList(globals)],
  ["online-commands", wordList(onlineCommands)],
  ["settings bluechi-controller", settingList(controllerSettings)],
  ["settings node", settingList(nodeSettings)],
  ["settings bluechi-agent", settingList(agentSettings)],
  ["verbs", wordList(verbs)],
  ...Object.entries(commands).map(([name, command]) => [`command ${name}`, commandItem(name, command)] as const),
  ...interfaces.map((table) => [`interface ${table.name}`, interfaceLists(table)] as const),
]);

/** What stands for itself in a line. */
const words = [
  ["VERSION", version],
  ["AUDIT", auditMessageId],
  ["REFUSAL", refusalMessageId],
] as const;

const [outdir] = process.argv.slice(2);
if (outdir === undefined) throw new Error("usage: manual.ts OUTDIR");
const told = new Set<string>();
for (const page of new Bun.Glob("*.[0-9]").scanSync(sources)) {
  const lines = await expand(page);
  await Bun.write(
    join(outdir, `man${page.at(-1)}`, page),
    `${words.reduce((text, [word, value]) => text.replaceAll(`@${word}@`, value), lines.join("\n"))}\n`,
  );
}
const missing = [...parts.keys()].filter((name) => !told.has(name));
if (missing.length > 0) throw new Error(`no page has ${missing.map((name) => `@${name}@`).join(", ")}`);

async function expand(file: string): Promise<string[]> {
  const lines: string[] = [];
  for (const line of (await Bun.file(join(sources, file)).text()).trimEnd().split("\n")) {
    const name = /^@(.+)@$/.exec(line)?.[1];
    if (name === undefined) lines.push(line);
    else if (name.startsWith("include ")) lines.push(...(await expand(`${name.slice("include ".length)}.mdoc`)));
    else lines.push(...part(name, file));
  }
  return lines;
}

function part(name: string, file: string): string[] {
  const found = parts.get(name);
  if (!found || told.has(name))
    throw new Error(`${file}: @${name}@ is ${found ? "told twice" : "nothing that is known"}`);
  told.add(name);
  return found;
}
