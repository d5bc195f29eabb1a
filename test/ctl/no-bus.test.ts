import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer, type Server } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Program } from "./program.ts";

let folder: string;
let bus: Server;
let calls = 0;
let environment: Record<string, string>;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "bluechi-no-bus-"));
  const path = join(folder, "bus");
  bus = createServer((socket) => {
    calls += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => bus.listen(path, resolve));
  environment = { DBUS_SYSTEM_BUS_ADDRESS: `unix:path=${path}`, DBUS_SESSION_BUS_ADDRESS: `unix:path=${path}` };
});

afterAll(async () => {
  bus.close();
  await rm(folder, { recursive: true });
});

test("whoever asks for help or the version gets it without a bus", async () => {
  const roles = [[], ["controller"], ["agent"], ["proxy"], ["ctl"]];
  const questions = roles.flatMap((role) => ["--help", "--version"].map((option) => [...role, option]));
  for (const word of ["--help", "help", "version"]) questions.push(["ctl", word], ["is-online", word]);
  questions.push(["ctl", "start", "--help"]);
  const ended = await Promise.all(questions.map((words) => new Program(words, environment).ended()));
  expect(ended.filter(({ status, stdout }) => status !== 0 || stdout === "")).toEqual([]);
  expect(calls).toBe(0);
});

test("that bus notices who calls", async () => {
  expect((await new Program(["ctl", "status"], environment).ended()).status).toBe(1);
  expect(calls).toBeGreaterThan(0);
});
