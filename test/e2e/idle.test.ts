// What systemd does without being asked by an agent costs the agent nothing, unless somebody listens.
import { afterAll, beforeAll, expect } from "bun:test";
import { Caller } from "../bench/caller.ts";
import { type Jobs, systemdJobsOnBus } from "../bench/job-clients.ts";
import { systemBusOf } from "../bench/process.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";

const unit = "idle.target";
const pairs = 200;
/** How often an agent may wake up meanwhile: for heartbeats, timers. Each pair alone would wake one who hears it twice. */
const maxWakeUps = pairs;

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const pi = cluster.host("pi");
let local: Jobs;
let bus: Caller;

beforeAll(async () => {
  await pi.write(`/etc/systemd/system/${unit}`, "[Unit]\nStartLimitIntervalSec=0\n");
  await pi.sh("systemctl daemon-reload");
  bus = await Caller.toBus(await systemBusOf(pi));
  local = await systemdJobsOnBus(bus);
});

afterAll(async () => {
  bus?.close();
  await cluster.close();
});

async function startAndStop(): Promise<void> {
  for (let pair = 0; pair < pairs; pair++) {
    await local.run("start", unit);
    await local.run("stop", unit);
  }
}

/** Whether the agent has closed its connection to systemd. */
async function idle(): Promise<boolean> {
  const connections = await pi.sh("ss -xH state established src /run/systemd/private");
  if (connections !== "") throw new Error(connections);
  return true;
}

const opened = async () => (await pi.journal("bluechi-agent")).match(/systemd is needed, and connected/g)?.length ?? 0;

async function wakeUps(): Promise<number> {
  const status = await pi.sh("cat /proc/$(systemctl show -P MainPID bluechi-agent)/status");
  return Number(/^voluntary_ctxt_switches:\s+(\d+)/m.exec(status)?.[1]);
}

test("units that start and stop do not wake an agent that nobody needs", async () => {
  // A little after it has come it is asked to stop units that nobody needs, such as this one, and lingers then.
  await cluster.service("pi", "left.service", "ExecStart=sleep infinity");
  await pi.sh("systemctl start bluechi-dep@left.service && systemctl restart bluechi-agent");
  await cluster.reaches("pi", "bluechi-dep@left.service", "inactive");
  await pi.until("the agent to leave systemd", idle);
  const before = { opened: await opened(), wakeUps: await wakeUps() };
  await startAndStop();
  expect((await wakeUps()) - before.wakeUps).toBeLessThan(maxWakeUps);
  expect(await opened()).toBe(before.opened);
});

test("that systemd executes itself again is not noticed by an agent that nobody needs", async () => {
  await pi.sh("systemctl daemon-reexec");
  expect((await cluster.ctl("start", "pi", unit)).status).toBe(0);
  expect((await cluster.ctl("stop", "pi", unit)).status).toBe(0);
  expect(await pi.journal("bluechi-agent")).not.toContain("The connection to systemd is lost");
});

test("a monitor hears all that others do", async () => {
  const watcher = await Program.on(cluster.main);
  const { monitor } = await watcher.monitor();
  await local.run("start", unit);
  await monitor.call("Subscribe", { node: "pi", unit });
  // What happens until the agent has answered is in the answer, and not told besides.
  await watcher.hears(/UnitStateChanged pi idle.target active active virtual$/);
  await local.run("stop", unit);
  await startAndStop();
  await local.run("start", unit);
  const states = (state: string) => watcher.all(new RegExp(`UnitStateChanged pi ${unit} ${state} real$`)).length;
  await pi.until("the monitor to hear everything", () => {
    const [active, inactive] = [states("active active"), states("inactive dead")];
    if (active !== pairs + 1 || inactive !== pairs + 1) throw new Error(`${active} active, ${inactive} inactive`);
    return true;
  });
  watcher.close();
});
