import { afterAll } from "bun:test";
import { walk } from "../demo/walk.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Lab } from "../testbed/lab.ts";

const lab = await Lab.open({ installed: true });
const test = testsOn(lab);

afterAll(() => lab.close());

test("the guide keeps its promises", async () => {
  await walk(await lab.boot("laptop", "pi"), () => undefined);
});
