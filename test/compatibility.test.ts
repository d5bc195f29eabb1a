// docs/compatibility.md is the list of what there is, and of the tests that show it: nothing goes without a row there.
import { expect, test } from "bun:test";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { interfaces } from "../src/api/interfaces.ts";
import { agentSettings } from "../src/roles/agent/settings.ts";
import { controllerSettings, nodeSettings } from "../src/roles/controller/settings.ts";
import { commands, globals } from "../src/roles/ctl/commands.ts";
import { optionsOf } from "../src/roles/ctl/declaration.ts";

const page = await Bun.file(join(import.meta.dir, "../docs/compatibility.md")).text();

/** The rows of the table below a heading, each with the words in backquotes of its cells. */
function rowsBelow(heading: string): string[][][] {
  const section = page.split(/^#+ /m).find((text) => text.startsWith(`${heading}\n`)) ?? "";
  const [, , ...rows] = section.split("\n").filter((line) => line.startsWith("|"));
  return rows.map((row) =>
    row
      .split("|")
      .slice(1, -1)
      .map((cell) => [...cell.matchAll(/`([^`]+)`/g)].map(([, word]) => word ?? "")),
  );
}

const named = (heading: string) => rowsBelow(heading).flatMap(([names = []]) => names);

for (const table of interfaces) {
  test(`${table.name} is listed`, () => {
    const members = [table.methods, table.signals, table.properties].flatMap(Object.keys);
    expect(named(table.name).sort()).toEqual(members.sort());
  });
}

for (const [section, table] of [
  ["[bluechi-controller]", controllerSettings],
  ["[node NAME]", nodeSettings],
  ["[bluechi-agent]", agentSettings],
] as const) {
  test(`the settings of ${section} are listed`, () => {
    expect(named(section).sort()).toEqual(Object.keys(table).sort());
  });
}

test("bluechictl's commands are listed, with their options", () => {
  const rows = rowsBelow("bluechictl");
  expect(named("bluechictl").sort()).toEqual(Object.keys(commands).sort());
  const spelled = (options: object) =>
    Object.keys(options)
      .map((name) => `--${name}`)
      .sort();
  for (const [names = [], options = []] of rows) {
    for (const name of names) {
      const own = spelled(names.includes("help") ? globals : optionsOf(commands[name]?.args ?? {}));
      expect({ name, options: options.toSorted() }).toEqual({ name, options: own });
    }
  }
});

test("the tests that it names are there, and each row of the lists names one", () => {
  const before = page.slice(0, page.indexOf("\n## What differs"));
  const pattern = /`((?:e2e|ctl|scenario|packaging)\/[\w-]+)`|\b(src\/[\w/.-]+\.test\.ts)/g;
  const files = [...before.matchAll(pattern)].map(([, short, path]) => path ?? `test/${short}.test.ts`);
  expect([...new Set(files)].filter((file) => !existsSync(join(import.meta.dir, "..", file)))).toEqual([]);
  const rows = before.split("\n").filter((line) => line.startsWith("| `") || line.startsWith("| bluechi-"));
  expect(rows.filter((row) => !/`(?:e2e|ctl|scenario|packaging)\//.test(row))).toEqual([]);
});
