// Jobs whose node is lost while they run: they go on, and end as systemd has it, or as failed.
import { afterAll, afterEach, beforeAll, beforeEach, expect } from "bun:test";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";
import { reload } from "./reloading.ts";

/** How long jobs wait for their node: longer than any test takes; and no time that counts, where they are to be given up. */
const [patientMs, lostMs] = [600_000, 100];
const cluster = await Cluster.start(["main", "pi"], {
  controller: `HeartbeatInterval=500\nNodeHeartbeatThreshold=2000\nJobLostTimeout=${patientMs}`,
  agent: "HeartbeatInterval=500\nControllerHeartbeatThreshold=2000",
});
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
let program: Program;

/** Each waits for its file: the test decides when a job ends. */
const wait = (then: string) =>
  `[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=sh -c 'until [ -e /run/%n ]; do sleep 0.05; done; ${then}'\n`;

beforeAll(async () => {
  for (const [name, then] of [
    ["good", "true"],
    ["bad", "false"],
    ["slow", "true"],
  ] as const) {
    await pi.write(`/etc/systemd/system/lost-${name}.service`, wait(then));
  }
  await pi.sh("systemctl daemon-reload");
});

beforeEach(async () => {
  program = await Program.on(main, { listen: true });
});

afterEach(async () => {
  program.close();
  await pi.mend();
  await cluster.online("pi");
  await pi.run(["bash", "-c", "systemctl stop 'lost-*'; systemctl reset-failed; rm -f /run/lost-*"]);
});

afterAll(() => cluster.close());

/** Starts units, and returns once all of them run. */
async function start(...names: string[]): Promise<void> {
  const asked = names.map((name) => program.node("pi").call("StartUnit", { name, mode: "replace" }));
  await Promise.all(asked);
  await pi.until("the units to start", async () => {
    const states = await pi.sh(`systemctl show -P ActiveState ${names.join(" ")}`);
    return states.match(/activating/g)?.length === names.length;
  });
}

/** Lets units end their starts, and returns once they have. */
async function finish(...names: string[]): Promise<void> {
  await pi.sh(`touch ${names.map((name) => `/run/${name}`).join(" ")}`);
  await pi.until("the units to end", async () => {
    return !(await pi.sh(`systemctl show -P ActiveState ${names.join(" ")}`)).includes("activating");
  });
}

const ends = () => program.all(/^JobRemoved/).map((text) => text.replace(/^JobRemoved \d+ job\/\d+ /, ""));
const offline = "node/pi Status=offline";
const online = "node/pi Status=online";

test("jobs that end while the cable is cut are told with their results when it is mended", async () => {
  const ctl = main.spawn(["bluechictl", "start", "pi", "lost-bad.service"]);
  await start("lost-good.service", "lost-bad.service", "lost-slow.service");
  await pi.cut();
  await program.hears(offline);
  await finish("lost-good.service", "lost-bad.service");
  expect(ends()).toEqual([]);
  await pi.mend();
  await program.hears(online, /^JobRemoved/, /^JobRemoved/);
  // Who waited by bluechictl has the job that systemd merged with the other.
  expect(await ctl.exited).toBe(1);
  expect(new Set(ends())).toEqual(new Set(["pi lost-good.service done", "pi lost-bad.service failed"]));
  await finish("lost-slow.service");
  await program.hears(/lost-slow.service done$/);
});

test("jobs of a node that stays away end as failed, and the log says why", async () => {
  const dropIn = "/etc/bluechi/controller.conf.d/zz-lost.conf";
  await main.write(dropIn, `[bluechi-controller]\nJobLostTimeout=${lostMs}\n`);
  await reload(main, "controller");
  await start("lost-slow.service");
  await pi.cut();
  await program.hears(offline, /^JobRemoved .* pi lost-slow.service failed$/);
  await main.logged(
    "bluechi-controller",
    "1 jobs of node 'pi' ended as failed, as their results are not known: the node did not come back in time",
  );
  await finish("lost-slow.service");
  await pi.mend();
  await program.hears(online);
  await program.caughtUp();
  expect(ends()).toEqual(["pi lost-slow.service failed"]);
  await main.sh(`rm ${dropIn}`);
  await reload(main, "controller");
});

test("an agent that was killed is followed by one that finds the jobs that run, and judges those that have ended", async () => {
  await start("lost-good.service", "lost-bad.service", "lost-slow.service");
  await pi.sh("systemctl mask --runtime --now bluechi-agent; systemctl kill -s KILL bluechi-agent || true");
  await program.hears(offline);
  await finish("lost-good.service", "lost-bad.service");
  await pi.sh("systemctl unmask --runtime bluechi-agent; systemctl start bluechi-agent");
  await program.hears(online, /^JobRemoved/, /^JobRemoved/);
  expect(new Set(ends())).toEqual(new Set(["pi lost-good.service done", "pi lost-bad.service failed"]));
  await finish("lost-slow.service");
  await program.hears(/lost-slow.service done$/);
});

test("jobs survive daemon-reexec and a restart of the agent", async () => {
  await start("lost-good.service", "lost-slow.service");
  await pi.sh("systemctl daemon-reexec");
  await finish("lost-good.service");
  await program.hears(/lost-good.service done$/);
  await pi.sh("systemctl restart bluechi-agent");
  await finish("lost-slow.service");
  await program.hears(/lost-slow.service done$/);
  expect(ends().length).toBe(2);
});

test("the next controller starts nothing twice, and the job goes on", async () => {
  await start("lost-slow.service");
  const since = await pi.sh("systemctl show -P InvocationID lost-slow.service");
  await main.sh("systemctl kill -s KILL bluechi-controller; systemctl start bluechi-controller");
  await cluster.online("pi");
  await finish("lost-slow.service");
  expect(await pi.sh("systemctl show -P ActiveState lost-slow.service")).toBe("active\n");
  expect(await pi.sh("systemctl show -P InvocationID lost-slow.service")).toBe(since);
});
