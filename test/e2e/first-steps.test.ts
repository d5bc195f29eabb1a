import { afterAll } from "bun:test";
import { walk } from "../demo/walk.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";

const lab = await Lab.open({ installed: true });
const test = testsOn(lab);

afterAll(() => lab.close());

test("who gets started gets to where the page says, and trouble looks as the next page says", async () => {
  const hosts = await lab.boot("laptop", "pi", "camera");
  for (const page of ["getting-started.md", "troubleshooting.md"]) await walk(hosts, () => undefined, { page });
});
