import { expect, test } from "bun:test";
import { afterTurn, finishChores } from "./turn.ts";

test("a chore is done once the promises that are settled have gone on, and one of its own after it", async () => {
  const done: string[] = [];
  afterTurn(() => {
    done.push("chore");
    afterTurn(() => done.push("another chore"));
  });
  const work = async () => {
    for (let step = 0; step < 20; step++) await undefined;
    done.push("work");
  };
  void work();
  for (let turn = 0; turn < 2; turn++) await new Promise(setImmediate);
  expect(done).toEqual(["work", "chore", "another chore"]);
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
