import { expect, test } from "bun:test";
import { afterTurn, atEndOfTurn, finishChores } from "./turn.ts";

test("what is written goes out once the promises that are settled have gone on, before what nobody waits for", async () => {
  const done: string[] = [];
  afterTurn(() => done.push("chore"));
  atEndOfTurn(() => done.push("write"));
  const work = async () => {
    for (let step = 0; step < 20; step++) await undefined;
    done.push("work");
    atEndOfTurn(() => done.push("another write"));
  };
  void work();
  await new Promise(setImmediate);
  expect(done).toEqual(["work", "write", "another write", "chore"]);
});

test("what is put off while something is written has its end, too", async () => {
  const done: string[] = [];
  atEndOfTurn(() => atEndOfTurn(() => done.push("write")));
  afterTurn(() => afterTurn(() => done.push("chore")));
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
  expect(done).toEqual(["write", "chore"]);
});

test("chores are done once, and on demand", async () => {
  let done = 0;
  afterTurn(() => done++);
  finishChores();
  expect(done).toBe(1);
  await new Promise(setImmediate);
  expect(done).toBe(1);
});

test("chores are done by a process that exits", () => {
  const program = `
    const { afterTurn } = await import("${import.meta.dir}/turn.ts");
    afterTurn(() => require("node:fs").writeSync(1, "done"));
    process.exit(3);`;
  const { stdout, exitCode } = Bun.spawnSync([process.execPath, "-e", program]);
  expect([stdout.toString(), exitCode]).toEqual(["done", 3]);
});
