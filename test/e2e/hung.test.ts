// A node whose agent stands still: the others and the controller go on as if it were not there.
import { afterAll, expect } from "bun:test";
import { ErrorName } from "../../src/base/failure.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";

const names = ["main", "pi", "nas"] as const;
// Nothing here waits until a silent node is taken for lost.
const cluster = await Cluster.start(names, { controller: "NodeHeartbeatThreshold=600000" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const nas = cluster.host("nas");

afterAll(() => cluster.close());

test("an agent that hangs is missing from the lists, disturbs nobody, and the next one is there at once", async () => {
  const program = await Program.on(main, { listen: true });
  const { controller } = program;
  await nas.sh("systemctl kill -s SIGSTOP bluechi-agent");
  // An answer to this is waited for longer than to others, and than this test takes.
  const pending = refusal(program.node("nas").call("ListUnitFiles", {}));

  expect((await program.node("pi").call("ListUnits", {})).units.length).toBeGreaterThan(10);
  const { job } = await program.node("pi").call("StartUnit", { name: "dbus.service", mode: "replace" });
  await program.hears(
    new RegExp(`^JobRemoved \\d+ ${job.slice("/org/eclipse/bluechi/".length)} pi dbus.service done$`),
  );
  await controller.call("SetLogLevel", { loglevel: "INFO" });
  await controller.call("EnableMetrics", {});
  await controller.call("DisableMetrics", {});
  await controller.call("SetLogLevel", { loglevel: "DEBUG" });
  const [{ units }, { unitfiles }] = await Promise.all([
    controller.call("ListUnits", {}),
    controller.call("ListUnitFiles", {}),
  ]);
  expect([...units.keys()]).toEqual(["main", "pi"]);
  expect([...unitfiles.keys()]).toEqual(["main", "pi"]);
  for (const method of ["ListUnits", "ListUnitFiles"]) {
    const line = `Node 'nas' does not answer ${method}: its units are missing from the list`;
    await main.logged("bluechi-controller", line);
  }

  expect(program.all("node/nas Status=offline")).toEqual([]);

  await nas.sh("systemctl kill -s SIGKILL bluechi-agent");
  expect(await pending).toBe(`${ErrorName.NoReply}: Connection terminated`);
  await program.hears("node/nas Status=offline", "node/nas Status=online");
  expect([...(await controller.call("ListUnits", {})).units.keys()]).toEqual([...names]);
  expect((await program.node("nas").call("GetDefaultTarget", {})).defaulttarget).toMatch(/target$/);
  program.close();
});
