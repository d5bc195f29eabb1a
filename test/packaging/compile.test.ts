import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { compile } from "../../scripts/compile.ts";

let folder: string;
let probe: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bluechi-hostile-"));
  probe = join(folder, "probe");
  await compile(join(import.meta.dir, "probe.ts"), probe);
  await writeFile(join(folder, ".env"), "FROM_DOTENV=yes\n");
  await writeFile(join(folder, "bunfig.toml"), 'preload = ["./evil.ts"]\n');
  await writeFile(join(folder, "evil.ts"), "globalThis.preloaded = true;\n");
});

afterAll(() => rm(folder, { recursive: true }));

test("an executable takes neither code nor settings from the folder in which root happens to call it", () => {
  const { stdout, success } = Bun.spawnSync([probe], { cwd: folder, env: {} });
  expect(success).toBe(true);
  expect(JSON.parse(stdout.toString())).toEqual({ preloaded: false });
});

test("that folder is a trap for a program that is not compiled so", () => {
  const { stdout } = Bun.spawnSync([process.execPath, join(import.meta.dir, "probe.ts")], { cwd: folder, env: {} });
  expect(JSON.parse(stdout.toString())).toEqual({ env: "yes", preloaded: true });
});

test("an executable knows the places of its log calls, though it is minified", () => {
  const { stderr } = Bun.spawnSync([probe], { cwd: folder, env: {} });
  expect(stderr.toString()).toEndWith(' INFO\ttest/packaging/probe.ts:6 tell\tmsg="told"\n');
});
