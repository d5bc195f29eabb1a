import { afterAll } from "bun:test";
import { walk } from "../demo/walk.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";

const lab = await Lab.open({ installed: true });
const fresh = await Lab.open({ installed: true });
const test = testsOn(lab);
const freshTest = testsOn(fresh);

afterAll(async () => {
  await lab.close();
  await fresh.close();
});

test("the guide keeps its promises", async () => {
  await walk(await lab.boot("laptop", "pi"), () => undefined);
});

freshTest("so does the first page, on hosts of its own", async () => {
  await walk(await fresh.boot("laptop", "pi"), () => undefined, { page: "../README.md" });
});
