import { afterAll } from "bun:test";
import { secure, walk } from "../demo/walk.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";

const lab = await Lab.open({ installed: true });
const fresh = await Lab.open({ installed: true });
const joined = await Lab.open({ installed: true });
const test = testsOn(lab);
const freshTest = testsOn(fresh);
const joinedTest = testsOn(joined);

afterAll(async () => {
  await lab.close();
  await fresh.close();
  await joined.close();
});

test("the guide keeps its promises", async () => {
  await walk(await lab.boot("laptop", "pi"), () => undefined);
});

freshTest("so does the first page, on hosts of its own", async () => {
  await walk(await fresh.boot("laptop", "pi"), () => undefined, { page: "../README.md" });
});

joinedTest("so does the guide on hosts that have joined a cluster, and the page about that", async () => {
  const hosts = await joined.boot("laptop", "pi");
  await walk(hosts, () => undefined, secure);
  await walk(hosts, () => undefined, { page: "joining.md", section: { heading: secure.section.heading } });
});
