// Writes the default configuration files, made from the tables of settings: bun scripts/config.ts OUTDIR. Every line of
// them is a comment, but for the sections: the defaults themselves are in the program.
import { join } from "node:path";
import { agentPlaces } from "../src/base/agent-places.ts";
import type { SettingsTable } from "../src/base/settings.ts";
import { agentSettings } from "../src/roles/agent/settings.ts";
import { section as controllerSection, controllerSettings, nodeSettings } from "../src/roles/controller/settings.ts";
import { defaultText, explained } from "./settings-help.ts";

const width = 100;

const [outdir] = process.argv.slice(2);
if (outdir === undefined) throw new Error("usage: config.ts OUTDIR");
const node = ["# Each node may have a section of its own.", "#", "# [node NAME]", "", ...settings(nodeSettings)];
await write("controller", [`[${controllerSection}]`, "", ...settings(controllerSettings), ...node]);
await write("agent", [`[${agentPlaces.section}]`, "", ...settings(agentSettings)]);

async function write(role: string, lines: readonly string[]): Promise<void> {
  const head = [
    `# The defaults of bluechi-${role}; see bluechi-${role}.conf(5).`,
    `# Settings of your own belong into /etc/bluechi/${role}.conf or /etc/bluechi/${role}.conf.d/*.conf.`,
    `# They are read at the start, and again by "systemctl reload bluechi-${role}".`,
    "",
  ];
  await Bun.write(join(outdir ?? "", `${role}.conf`), `${[...head, ...lines].join("\n").trimEnd()}\n`);
}

function settings(table: SettingsTable): string[] {
  return Object.entries(table).flatMap(([key, setting]) => [
    ...comment(explained(setting)),
    `# ${key}=${defaultText(setting)}`,
    "",
  ]);
}

/** A text as comment lines, broken between words. */
function comment(text: string): string[] {
  const lines = ["#"];
  for (const word of text.split(" ")) {
    const line = `${lines.at(-1)} ${word}`;
    if (line.length > width) lines.push(`# ${word}`);
    else lines[lines.length - 1] = line;
  }
  return lines;
}
