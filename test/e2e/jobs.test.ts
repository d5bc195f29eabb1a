// Jobs: what they end with, what is refused, and the order in which the bus tells of them.
import { afterAll, afterEach, beforeAll, expect } from "bun:test";
import { jobInterface } from "../../src/api/job.ts";
import { controllerName, jobPath, nodePath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import type { Outcome } from "../testbed/command.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const manyUnits = 200;
/** The bus allows a program 128 calls at a time. */
const callers = 4;

const units: Record<string, string> = {
  "job-brief.service": "Type=oneshot\nExecStart=sleep 0.2",
  "job-good.service": "ExecStart=sleep infinity\nExecReload=true",
  "job-plain.service": "ExecStart=sleep infinity",
  "job-false.service": "Type=oneshot\nExecStart=false",
  "job-slow.service": "Type=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity",
  "job-stuck.service": "[Unit]\nJobTimeoutSec=300ms\n[Service]\nType=oneshot\nExecStart=sleep infinity",
  "job-needs.service":
    "[Unit]\nRequires=job-false.service\nAfter=job-false.service\n[Service]\nExecStart=sleep infinity",
  "job-unmet.service": "[Unit]\nConditionPathExists=/nowhere\n[Service]\nExecStart=sleep infinity",
  "job-bad.service": "[Service]\nType=oneshot",
};

let program: Program;

beforeAll(async () => {
  for (const [name, lines] of Object.entries(units)) {
    await pi.write(`/etc/systemd/system/${name}`, lines.includes("[Service]") ? lines : `[Service]\n${lines}\n`);
  }
  await pi.write("/etc/systemd/system/many@.target", "[Unit]\nDescription=One of many\n");
  await pi.sh("systemctl daemon-reload");
  program = await Program.on(main, { listen: true });
});

afterEach(async () => {
  await pi.run(["bash", "-c", "systemctl stop 'job-*' 'many@*'; systemctl reset-failed"]);
  await program.caughtUp();
  program.clear();
});

afterAll(async () => {
  program.close();
  await cluster.close();
});

const said = (stdout: string, status = 0): Outcome => ({ status, stdout: `${stdout}\n`, stderr: "" });
const complained = (message: string): Outcome => ({
  status: 1,
  stdout: "",
  stderr: `Failed to issue method call: ${message}\n`,
});

const systemdName = "org.freedesktop.systemd1";
const manager = [systemdName, "/org/freedesktop/systemd1", `${systemdName}.Manager`];

/** Starts a job whose end is not near, and returns its path once it runs. */
async function slowJob(): Promise<string> {
  const { job } = await program.node("pi").call("StartUnit", { name: "job-slow.service", mode: "replace" });
  await program.hears(/State=running$/);
  return job;
}

test("bluechictl says how a job ended, and exits with 0 when it is done", async () => {
  for (const [verb, method] of [
    ["start", "StartUnit"],
    ["reload", "ReloadUnit"],
    ["restart", "RestartUnit"],
    ["stop", "StopUnit"],
  ] as const) {
    const outcome = await cluster.ctl(verb, "pi", "job-good.service");
    expect(outcome).toEqual(said(`Unit job-good.service ${method} operation result: done`));
  }
  expect(await cluster.state("pi", "job-good.service")).toBe("inactive");
});

for (const [unit, result] of [
  ["job-false.service", "failed"],
  ["job-needs.service", "dependency"],
  ["job-stuck.service", "timeout"],
] as const) {
  test(`bluechictl exits with 1 when a job ends as ${result}`, async () => {
    expect(await cluster.ctl("start", "pi", unit)).toEqual(
      said(`Unit ${unit} StartUnit operation result: ${result}`, 1),
    );
    const { status } = await main.run(["bluechictl", "start", "pi", unit], { env: { BLUECHI_COMPAT: "1" } });
    expect(status).toBe(0);
  });
}

test("a unit whose condition is not met is started as systemctl has it: done, and inactive", async () => {
  expect(await cluster.ctl("start", "pi", "job-unmet.service")).toEqual(
    said("Unit job-unmet.service StartUnit operation result: done"),
  );
  expect(await cluster.state("pi", "job-unmet.service")).toBe("inactive");
});

test("a start that a stop takes the place of is canceled", async () => {
  const start = main.spawn(["bluechictl", "start", "pi", "job-slow.service"]);
  await cluster.reaches("pi", "job-slow.service", "activating");
  expect((await cluster.ctl("stop", "pi", "job-slow.service")).status).toBe(0);
  expect(await start.line(/./)).toBe("Unit job-slow.service StartUnit operation result: canceled");
  expect(await start.exited).toBe(1);
});

test("refusals are systemd's own words", async () => {
  for (const [verb, unit, message] of [
    ["start", "no-such.service", "Unit no-such.service not found."],
    ["stop", "no-such.service", "Unit no-such.service not loaded."],
    ["start", "job-bad.service", "Unit job-bad.service has a bad unit file setting."],
    ["start", "job", "Unit name job is not valid."],
    ["reload", "job-plain.service", "Job type reload is not applicable for unit job-plain.service."],
  ] as const) {
    expect(await cluster.ctl(verb, "pi", unit)).toEqual(complained(message));
    const method = { start: "StartUnit", stop: "StopUnit", reload: "ReloadUnit" }[verb];
    const systemd = await pi.run(["busctl", "call", ...manager, method, "ss", unit, "replace"]);
    expect(systemd.stderr).toBe(`Call failed: ${message}\n`);
  }
  expect(await cluster.ctl("start", "nobody", "x.service")).toEqual(
    complained(`Unknown object '${nodePath("nobody")}'.`),
  );
});

test("refusals have systemd's error names, and leave no job behind", async () => {
  const node = program.node("pi");
  for (const [method, name, mode, expected] of [
    ["StartUnit", "no-such.service", "replace", `${systemdName}.NoSuchUnit: Unit no-such.service not found.`],
    ["StartUnit", "job-good.service", "bogus", "org.freedesktop.DBus.Error.InvalidArgs: Job mode bogus invalid"],
    [
      "StartUnit",
      "job-bad.service",
      "fail",
      `${systemdName}.BadUnitSetting: Unit job-bad.service has a bad unit file setting.`,
    ],
    [
      "ReloadUnit",
      "job-plain.service",
      "replace",
      `${systemdName}.JobTypeNotApplicable: Job type reload is not applicable for unit job-plain.service.`,
    ],
    ["StopUnit", "no-such.service", "replace", `${systemdName}.NoSuchUnit: Unit no-such.service not loaded.`],
  ] as const) {
    expect(await refusal(node.call(method, { name, mode }))).toBe(expected);
  }
  const call = ["busctl", "call", controllerName, nodePath("pi"), "org.eclipse.bluechi.Node", "StartUnit", "ss"];
  const { status, stderr } = await main.run([...call, "job-good.service", "bogus"]);
  expect({ status, stderr }).toEqual({ status: 1, stderr: "Call failed: Job mode bogus invalid\n" });
  await program.caughtUp();
  expect(program.texts).toEqual([]);
});

test("the reply comes first, then JobNew, the state, and JobRemoved", async () => {
  const monitor = main.spawn(["dbus-monitor", "--system", "--profile", `sender='${controllerName}'`]);
  await monitor.line("NameLost");
  await program.node("pi").call("StartUnit", { name: "job-brief.service", mode: "replace" });
  await program.hears(/^JobRemoved/);
  await monitor.line("JobRemoved");
  const passed = monitor.lines.map((line) => line.split("\t"));
  const reply = passed.findIndex(([kind, , , , to]) => kind === "mr" && to === program.bus.uniqueName);
  const jobNew = passed.findIndex((fields) => fields.at(-1) === "JobNew");
  expect([reply >= 0, jobNew > reply]).toEqual([true, true]);
  await monitor.close();
  const id = /^JobNew (\d+) /.exec(program.texts[0] ?? "")?.[1];
  expect(program.texts).toEqual([
    `JobNew ${id} job/${id}`,
    `job/${id} State=running`,
    `JobRemoved ${id} job/${id} pi job-brief.service done`,
  ]);
});

test("a job can be looked at while it is there, and not afterwards", async () => {
  const path = await slowJob();
  const job = client(program.bus, controllerName, path, jobInterface);
  expect(await job.getAll()).toEqual({
    Id: Number(path.split("/").at(-1)),
    Node: "pi",
    Unit: "job-slow.service",
    JobType: "start",
    State: "running",
  });
  await pi.sh("systemctl stop job-slow.service");
  await program.hears(/^JobRemoved .* canceled$/);
  expect(await refusal(job.getAll())).toBe(`org.freedesktop.DBus.Error.UnknownObject: Unknown object '${path}'.`);
});

test("a job that waits for another says so until it runs", async () => {
  await pi.write(
    "/etc/systemd/system/job-second.service",
    "[Unit]\nAfter=job-slow.service\n[Service]\nType=oneshot\nExecStart=sleep 0.2\n",
  );
  await pi.sh("systemctl daemon-reload");
  await slowJob();
  const { job } = await program.node("pi").call("StartUnit", { name: "job-second.service", mode: "replace" });
  const object = client(program.bus, controllerName, job, jobInterface);
  expect(await object.get("State")).toBe("waiting");
  program.clear();
  await pi.sh("systemctl stop job-slow.service");
  await program.hears(
    `${job.slice("/org/eclipse/bluechi/".length)} State=running`,
    /^JobRemoved .* job-second.service done$/,
  );
});

test("Job.Cancel cancels systemd's job, and the unit stays as it is", async () => {
  const path = await slowJob();
  const { status } = await main.run(["busctl", "call", controllerName, path, "org.eclipse.bluechi.Job", "Cancel"]);
  expect(status).toBe(0);
  await program.hears(/^JobRemoved \d+ \S+ pi job-slow.service canceled$/);
  expect(await cluster.state("pi", "job-slow.service")).toBe("activating");
  expect(await pi.sh("systemctl list-jobs --no-legend 'job-*'")).toBe("");
});

test(`${manyUnits} jobs at once: each is announced once and ends once`, async () => {
  const names = Array.from({ length: manyUnits }, (_, index) => `many@${index}.target`);
  const programs = await Promise.all(Array.from({ length: callers }, () => Program.on(main)));
  const start = (name: string, index: number) =>
    programs[index % callers]?.node("pi").call("StartUnit", { name, mode: "replace" });
  const answers = await Promise.all(names.map(start));
  for (const caller of programs) caller.close();
  const jobs = answers.map((answer) => answer?.job.slice("/org/eclipse/bluechi/".length) ?? "");
  expect(new Set(jobs).size).toBe(manyUnits);
  await pi.until("all jobs to end", () => program.all(/^JobRemoved/).length >= manyUnits);
  await program.caughtUp();
  const expected = jobs.map((job, index) => `JobRemoved ${job.slice(4)} ${job} pi ${names[index]} done`);
  expect(program.all(/^JobRemoved/).sort()).toEqual(expected.sort());
  expect(program.all(/^JobNew/).length).toBe(manyUnits);
  for (const job of jobs) {
    expect(program.texts.indexOf(`JobNew ${job.slice(4)} ${job}`)).toBeLessThan(
      program.texts.findIndex((text) => text.startsWith(`JobRemoved ${job.slice(4)} `)),
    );
  }
  expect(await pi.sh("systemctl list-units --plain --no-legend 'many@*' | wc -l")).toBe(`${manyUnits}\n`);
});

test("the same start asked for twice is one job of systemd's and two of ours", async () => {
  const first = await slowJob();
  const { job: second } = await program.node("pi").call("StartUnit", { name: "job-slow.service", mode: "replace" });
  expect(second).not.toBe(first);
  await pi.sh("systemctl stop job-slow.service");
  await pi.until("both to end", () => program.all(/^JobRemoved .* job-slow.service canceled$/).length === 2);
});

test("bluechictl stops and restarts a node's own agent", async () => {
  const restart = await cluster.ctl("restart", "pi", "bluechi-agent.service");
  expect(restart).toEqual(said("Unit bluechi-agent.service RestartUnit operation result: done"));
  await cluster.online("pi");
  const stop = await cluster.ctl("stop", "pi", "bluechi-agent.service");
  expect(stop).toEqual(said("Unit bluechi-agent.service StopUnit operation result: done"));
  await cluster.offline("pi");
  const offline = complained("Node is offline");
  for (const verb of ["start", "stop", "restart", "reload"]) {
    expect(await cluster.ctl(verb, "pi", "job-good.service")).toEqual(offline);
  }
  await pi.sh("systemctl start bluechi-agent");
  await cluster.online("pi");
});

test("a controller that stops ends its jobs first, then is down, then leaves", async () => {
  const id = (await slowJob()).split("/").at(-1);
  const start = main.spawn(["bluechictl", "start", "pi", "job-slow.service"]);
  await program.hears(/^JobNew/, /^JobNew/);
  program.clear();
  await main.sh("systemctl stop bluechi-controller");
  expect(await start.line(/./)).toBe("Unit job-slow.service StartUnit operation result: cancelled due to shutdown");
  expect(await start.exited).toBe(1);
  await program.hears(`JobRemoved ${id} job/${id} pi job-slow.service cancelled due to shutdown`, "Status=down");
  expect(program.all(/Status=down$/)).toEqual(["Status=down"]);
  await main.sh("systemctl start bluechi-controller");
  for (const name of ["main", "pi"]) await cluster.online(name);
});

test("nothing waits for a controller that was killed", async () => {
  await slowJob();
  const start = main.spawn(["bluechictl", "start", "pi", "job-slow.service"]);
  await program.hears(/^JobNew/, /^JobNew/);
  await main.sh("systemctl kill -s SIGKILL bluechi-controller");
  expect(await start.line(/./)).toBe("Failed to issue method call: The controller has left the bus");
  expect(await start.exited).toBe(1);
  for (const name of ["main", "pi"]) await cluster.online(name);
  expect(await refusal(program.call(controllerName, jobPath(1), "org.eclipse.bluechi.Job.Cancel"))).toContain(
    "UnknownObject",
  );
});
