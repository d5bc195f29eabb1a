import { beforeAll, expect, test } from "bun:test";
import { join } from "node:path";
import { parseIni } from "../../src/base/ini.ts";
import { agentSettings, readAgentSettings } from "../../src/roles/agent/settings.ts";
import { controllerSettings, readControllerSettings } from "../../src/roles/controller/settings.ts";

const top = join(import.meta.dir, "../..");
const config = (role: string) => Bun.file(join(top, `dist/config/${role}.conf`)).text();
const uncommented = (text: string) => text.replace(/^# (?=\[|\w+=)/gm, "");
const defaults = (table: Record<string, { default: unknown }>) =>
  Object.fromEntries(Object.entries(table).map(([key, setting]) => [key, setting.default]));

beforeAll(() => {
  const make = Bun.spawnSync(["make", "-C", top, "dist/config"]);
  if (!make.success) throw new Error(`${make.stderr}`);
});

test("the default files set nothing", async () => {
  for (const role of ["controller", "agent"]) {
    const sections = [...parseIni(await config(role), role).values()];
    expect(sections.flatMap((section) => [...section.keys()])).toEqual([]);
  }
});

test("what they say about the defaults is true", async () => {
  const controller = readControllerSettings(parseIni(uncommented(await config("controller")), "controller"));
  expect(controller).toMatchObject(defaults(controllerSettings));
  const { NodeName, ControllerAddress, ...expected } = defaults(agentSettings);
  expect([NodeName, ControllerAddress]).toEqual(["", ""]);
  expect(readAgentSettings(parseIni(uncommented(await config("agent")), "agent"), false)).toMatchObject(expected);
});
