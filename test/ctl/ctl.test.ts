import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { startTestBus, type TestBus } from "../../src/bus/test-bus.ts";
import { FakeController } from "./fake-controller.ts";
import { Program, run, runOnTerminal, TerminalProgram } from "./program.ts";

let bus: TestBus;
let controller: FakeController;
let environment: Record<string, string>;

beforeAll(async () => {
  bus = await startTestBus();
  environment = { DBUS_SYSTEM_BUS_ADDRESS: bus.address };
  controller = await FakeController.start(bus.address);
});

afterAll(async () => {
  controller.stop();
  await bus.kill();
});

const bluechictl = (line: string, extra: Record<string, string> = {}) =>
  run(["ctl", ...line.split(" ")], { ...environment, ...extra });

const call = "Failed to issue method call";
const compat = { BLUECHI_COMPAT: "1" };
const offline = "Node is offline";
const unknown = "Unknown object '/org/eclipse/bluechi/node/no'.";
const missing = "Unit nosuch.service not found.";
const notLoaded = "Unit no.service not loaded.";
const noFile = "No such file or directory";

interface Case {
  readonly line: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
  readonly env?: Record<string, string>;
  /** The calls that reach the controller. */
  readonly calls?: string[];
}

const cases: Case[] = [
  {
    line: "start foo simple.service",
    stdout: "Unit simple.service StartUnit operation result: done\n",
    calls: ["StartUnit simple.service replace"],
  },
  { line: "stop foo s.service", stdout: "Unit s.service StopUnit operation result: done\n" },
  { line: "restart foo s.service", stdout: "Unit s.service RestartUnit operation result: done\n" },
  { line: "reload foo s.service", stdout: "Unit s.service ReloadUnit operation result: done\n" },
  { line: "start foo early.service", stdout: "Unit early.service StartUnit operation result: done\n" },
  { line: "start foo bad.service", stdout: "Unit bad.service StartUnit operation result: failed\n", status: 1 },
  { line: "start foo bad.service", stdout: "Unit bad.service StartUnit operation result: failed\n", env: compat },
  { line: "start foo nosuch.service", stderr: `${call}: ${missing}\n`, status: 1 },
  { line: "start gone s.service", stderr: `${call}: ${offline}\n`, status: 1 },
  { line: "start no s.service", stderr: `${call}: ${unknown}\n`, status: 1 },
  { line: "freeze foo x.service", stdout: "Unit x.service freeze operation done\n", calls: ["FreezeUnit x.service"] },
  { line: "thaw foo x.service", stdout: "Unit x.service thaw operation done\n", calls: ["ThawUnit x.service"] },
  { line: "freeze foo no.service", stderr: `${call}: ${notLoaded}\n`, status: 1 },
  { line: "kill foo x.service", calls: ["KillUnit x.service all 15"] },
  { line: "kill --signal 9 foo --kill-whom=main x.service", calls: ["KillUnit x.service main 9"] },
  { line: "kill foo no.service", stderr: `${call} for KillUnit: ${notLoaded}\n`, status: 1 },
  {
    line: "enable foo a.service b.service",
    stderr:
      "The unit files included enablement information\n" +
      "Created symlink /etc/a.service -> /usr/a.service\nCreated symlink /etc/b.service -> /usr/b.service\n",
    calls: ["EnableUnitFiles a.service,b.service false false", "Reload"],
  },
  {
    line: "enable foo none.service --runtime --force --no-reload",
    stderr: "The unit files did not include any enablement information\n",
    calls: ["EnableUnitFiles none.service true true"],
  },
  {
    line: "enable foo y.service",
    stderr: `Failed to issue call: Unit y.service does not exist\nFailed to enable the units on node [foo] - ${noFile}\n`,
    status: 1,
  },
  {
    line: "enable gone y.service",
    stderr: `Failed to issue call: ${offline}\nFailed to enable the units on node [gone] - Input/output error\n`,
    status: 1,
  },
  {
    line: "disable foo a.service",
    stderr: 'Removed "/etc/a.service".\n',
    calls: ["DisableUnitFiles a.service false", "Reload"],
  },
  { line: "disable foo none.service --no-reload", calls: ["DisableUnitFiles none.service false"] },
  {
    line: "disable foo y.service",
    stderr: `Failed to issue call: Unit y.service does not exist\nFailed to disable the units on node [foo] - ${noFile}\n`,
    status: 1,
  },
  {
    line: "disable foo y.service",
    stderr: `Failed to issue call: Unit y.service does not exist\nFailed to disable the units on node [foo] - ${noFile}\n`,
    env: compat,
  },
  { line: "is-enabled foo init.scope", stdout: "static\n" },
  { line: "is-enabled foo x.service", stdout: "disabled\n", status: 1 },
  { line: "is-enabled foo m.service", stdout: "masked\n", status: 1 },
  { line: "is-enabled foo no.service", stderr: `${call}: ${noFile}\n`, status: 1 },
  { line: "daemon-reload foo", calls: ["Reload"] },
  { line: "daemon-reload gone", stderr: `${call}: ${offline}\n`, status: 1 },
  {
    line: "reset-failed foo x.service init.scope",
    stdout: "1 x.service\n2 init.scope\n",
    calls: ["ResetFailedUnit x.service", "ResetFailedUnit init.scope"],
  },
  {
    line: "reset-failed foo no.service x.service",
    stdout: "1 no.service\n",
    stderr: `${call}: ${notLoaded}\n`,
    status: 1,
  },
  { line: "reset-failed foo", calls: ["ResetFailed"] },
  {
    line: "reset-failed gone",
    stderr: `Couldn't reset failed state of all units on node 'gone': ${offline}\n`,
    status: 1,
  },
  {
    line: "reset-failed",
    stderr: ["gone", "a-node-with-a-name-that-is-longer-than-its-column"]
      .map((name) => `Couldn't reset failed state of all units on node '${name}': ${offline}\n`)
      .join(""),
    status: 1,
    calls: ["ListNodes", "ResetFailed", "ResetFailed", "ResetFailed"],
  },
  { line: "get-default foo", stdout: "graphical.target\n" },
  { line: "get-default gone", stderr: `${call}: ${offline}\n`, status: 1 },
  {
    line: "set-default foo multi-user.target",
    stdout: "[(unlink /etc/default.target ),(symlink /etc/default.target /usr/multi-user.target),]\n",
    calls: ["SetDefaultTarget multi-user.target true"],
  },
  { line: "set-default foo same.target", stdout: "[]\n" },
  { line: "set-default foo x.service", stderr: "Error: Unit 'x.service' is not a target unit\n", status: 1 },
  { line: "set-default foo x.service", stderr: "Error: Unit 'x.service' is not a target unit\n", env: compat },
  { line: "set-loglevel DEBUG", calls: ["SetLogLevel DEBUG"] },
  { line: "set-loglevel foo INFO", calls: ["SetLogLevel INFO"] },
  { line: "set-loglevel debug", stderr: `${call}: Invalid input for log level\n`, status: 1 },
  { line: "set-loglevel foo BOGUS", stderr: `${call}: Invalid input for log level\n`, status: 1 },
  { line: "set-loglevel foo BOGUS", env: compat, calls: ["SetLogLevel BOGUS"] },
  { line: "set-loglevel BOGUS", stderr: `${call}: Invalid input for log level\n`, status: 1, env: compat },
  { line: "set-loglevel debug", stderr: `${call}: Invalid input for log level\n`, status: 1, env: compat, calls: [] },
  { line: "metrics disable", stderr: `${call}: Metrics already disabled\n`, status: 1 },
  { line: "metrics enable", stdout: "Done\n" },
  { line: "metrics enable", stderr: `${call}: Metrics already enabled\n`, status: 1 },
  { line: "metrics disable", stdout: "Done\n" },
  {
    line: "list-units",
    stdout:
      "NODE | ID         | ACTIVE   | SUB    \n======================================\n" +
      "foo  | x.service  | inactive | dead   \nfoo  | init.scope | active   | running\n",
    calls: ["ListUnits"],
  },
  {
    line: "list-units --filter=x*",
    stdout:
      "NODE | ID         | ACTIVE   | SUB    \n======================================\n" +
      "foo  | x.service  | inactive | dead   \n",
  },
  {
    line: "list-units foo",
    stdout:
      "NODE | ID        | ACTIVE   | SUB \n==================================\nfoo  | x.service | inactive | dead\n",
  },
  { line: "list-units gone", stderr: `${call}: ${offline}\n`, status: 1 },
  {
    line: "list-unit-files --filter *dbus*",
    stdout:
      "NODE | PATH                                 | IS-ENABLED     \n" +
      "=============================================================\n" +
      "foo  | /usr/lib/systemd/system/dbus.service | static         \n",
  },
  {
    line: "list-unit-files foo --filter=dbus*",
    stdout:
      "NODE | PATH                                 | IS-ENABLED     \n" +
      "=============================================================\n",
  },
  {
    line: "status",
    stdout: [
      "NODE                          | STATE     | IP                      | LAST SEEN                   ",
      "==========================================================================================",
      "foo                           | online    | ::ffff:10.78.1.12       | now                         ",
      "gone                          | offline   |                         | never                       ",
      "a-node-with-a-name-that-is-lon| offline   |                         | 2026-11-22 13:56:59,207+0000",
      "",
    ].join("\n"),
  },
  {
    line: "status gone",
    stdout: [
      "NODE                          | STATE     | IP                      | LAST SEEN                   ",
      "==========================================================================================",
      "gone                          | offline   |                         | never                       ",
      "",
    ].join("\n"),
  },
  { line: "status no", stderr: "Node no not found\n", status: 1 },
  {
    line: "status foo bluechi-webservice.service x.service init.scope no.service",
    stdout: [
      "UNIT\t\t\t\t| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|",
      "-".repeat(112),
      "bluechi-webservice.service\t| loaded\t| active\t| running\t| running\t| static\t|",
      "x.service\t\t\t| loaded\t| inactive\t| dead\t\t| running\t| disabled\t|",
      "init.scope\t\t\t| loaded\t| active\t| running\t| running\t| (null)\t|",
      "",
    ].join("\n"),
    stderr: "Unit no.service could not be found.\n",
  },
  {
    line: "status gone x.service",
    stdout: `UNIT\t\t| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|\n${"-".repeat(96)}\n`,
    stderr: `Failed to issue call: ${offline}\nFailed to get status of unit x.service on node gone - Input/output error`,
    status: 1,
  },
  {
    line: "status no x.service",
    stdout: `UNIT\t\t| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|\n${"-".repeat(96)}\n`,
    stderr: `Failed to issue call: ${unknown}\nFailed to get status of unit x.service on node no - Invalid request descriptor`,
    status: 1,
  },
];

for (const { line, stdout = "", stderr = "", status = 0, env = {}, calls } of cases) {
  test(`${line}${env === compat ? " as the original" : ""}`, async () => {
    controller.calls.length = 0;
    expect(await bluechictl(line, env)).toEqual({ stdout, stderr, status });
    if (calls) expect(controller.calls).toEqual(calls);
  });
}

describe("what goes on until it is interrupted", () => {
  const begin = (line: string) => new Program(["ctl", ...line.split(" ")], environment);
  const clear = "\u001B[2J\u001B[0;0H";

  test.each(["SIGINT", "SIGTERM"] as const)("monitor tells events and ends well with %s", async (signal) => {
    const monitor = begin("monitor foo simple.service,other.service");
    await monitor.says("'other.service'\n");
    const unit = { node: "foo", unit: "simple.service" };
    controller.tell("UnitNew", { ...unit, reason: "real" });
    controller.tell("UnitStateChanged", { ...unit, active_state: "inactive", sub_state: "dead", reason: "real" });
    const props = new Map([
      ["ActiveState", { signature: "s", value: "active" }],
      ["MainPID", { signature: "u", value: 1 }],
      ["Unheard", { signature: "s", value: "of" }],
    ]);
    controller.tell("UnitPropertiesChanged", { ...unit, interface: "org.freedesktop.systemd1.Unit", props });
    controller.tell("UnitRemoved", { ...unit, reason: "virtual" });
    await monitor.says("Unit removed");
    monitor.kill(signal);
    const { stdout, stderr, status } = await monitor.ended();
    expect(stdout.replace(/monitor\/\d+/, "monitor/1")).toBe(
      [
        "Monitor path: /org/eclipse/bluechi/monitor/1",
        "Subscribing to node 'foo' and unit 'simple.service'",
        "Subscribing to node 'foo' and unit 'other.service'",
        "[foo] simple.service",
        "\tUnit created (reason: real)",
        "[foo] simple.service",
        "\tUnit state changed (reason: real)",
        "\tActive: inactive (dead)",
        "[foo] simple.service",
        "\tUnit properties changed (Interface: org.freedesktop.systemd1.Unit)",
        "\tActiveState: active",
        "[foo] simple.service",
        "\tUnit removed (reason: virtual)",
        "",
      ].join("\n"),
    );
    expect({ stderr, status }).toEqual({ stderr: "", status: 0 });
  });

  test("monitor takes everything when nothing is named", async () => {
    const monitor = begin("monitor");
    await monitor.says("Subscribing to node '*' and unit '*'\n");
    monitor.kill("SIGINT");
    expect((await monitor.ended()).status).toBe(0);
  });

  test("metrics listen tells times", async () => {
    const listener = begin("metrics listen");
    await listener.says("Waiting for metrics signals...\n");
    controller.metrics.emit("AgentJobMetrics", {
      node_name: "foo",
      unit: "simple.service",
      method: "StopUnit",
      systemd_job_time_micros: 1349n,
    });
    controller.metrics.emit("StartUnitJobMetrics", {
      node_name: "foo",
      job_id: "/org/eclipse/bluechi/job/25",
      unit: "simple.service",
      job_measured_time_micros: 21_400n,
      unit_start_prop_time_micros: 0n,
    });
    await listener.says("properties");
    listener.kill("SIGINT");
    expect(await listener.ended()).toEqual({
      stdout: [
        "Waiting for metrics signals...",
        "[foo] Agent systemd StopUnit job on simple.service net measured time: 1.3ms",
        "[foo] Job /org/eclipse/bluechi/job/25 to start unit simple.service:",
        "\tBlueChi job gross measured time: 21.4ms",
        "\tUnit net start time (from properties): 0.0ms",
        "",
      ].join("\n"),
      stderr: "",
      status: 0,
    });
  });

  test("status -w shows the nodes again when one goes", async () => {
    const watch = begin("status foo -w");
    await watch.says("online ");
    controller.setOnline("foo", false);
    await watch.says("offline ");
    controller.setOnline("foo", true);
    watch.kill("SIGINT");
    const { stdout, status } = await watch.ended();
    expect(status).toBe(0);
    expect(stdout.split(clear).slice(0, 3)).toEqual([
      "",
      expect.stringMatching(/^foo .*online/m),
      expect.stringMatching(/^foo .*offline/m),
    ]);
  });

  test("status -w shows units again when one changes", async () => {
    controller.calls.length = 0;
    const watch = begin("status --watch foo x.service");
    await watch.says("x.service");
    await controller.answered("Subscribe foo x.service");
    const change = { node: "foo", unit: "x.service", active_state: "active", sub_state: "running", reason: "real" };
    controller.tell("UnitStateChanged", change);
    await watch.says(clear);
    watch.kill("SIGTERM");
    const { stdout, status } = await watch.ended();
    expect(status).toBe(0);
    expect(stdout.split(clear)).toEqual([
      expect.stringMatching(/^x\.service.* inactive/m),
      expect.stringMatching(/^x\.service.* inactive/m),
    ]);
  });
});

describe("on a terminal", () => {
  const [green, red, plain] = ["\u001B[32m", "\u001B[31m", "\u001B[0m"];
  const header = "NODE                | STATE   | IP                | LAST SEEN";
  const longNode = "a-node-with-a-name-that-is-longer-than-its-column";

  test("the table of nodes is as wide as the terminal, and coloured; no name is cut", async () => {
    expect(await runOnTerminal(["ctl", "status"], environment)).toBe(
      [
        header,
        "=".repeat(80),
        `foo                 | ${green}online${plain}  | ::ffff:10.78.1.12 | now`,
        `gone                | ${red}offline${plain} |                   | never`,
        longNode,
        `                    | ${red}offline${plain} |                   | 2026-11-22 13:56:59,207+0000`,
        "",
      ].join("\n"),
    );
  });

  test("the table of units is aligned", async () => {
    const words = ["ctl", "--color=never", "status", "foo", "x.service", "init.scope"];
    expect(await runOnTerminal(words, environment)).toBe(
      [
        "UNIT       | LOADED | ACTIVE   | SUBSTATE | FREEZERSTATE | ENABLED",
        "=".repeat(67),
        "x.service  | loaded | inactive | dead     | running      | disabled",
        "init.scope | loaded | active   | running  | running      | (null)",
        "",
      ].join("\n"),
    );
  });

  test("a list is only as wide as what it shows", async () => {
    expect(await runOnTerminal(["ctl", "list-units", "--filter=x*"], environment)).toBe(
      `NODE | ID        | ACTIVE   | SUB\n${"=".repeat(34)}\nfoo  | x.service | inactive | dead\n`,
    );
  });

  test("what is shown gives the terminal no orders", async () => {
    const shown = await runOnTerminal(["ctl", "\u001B[2J\u001B]0;title\u0007"], environment);
    expect(shown).toStartWith("Method ?[2J?]0;title? not found");
  });

  // Written over the frame before: cursor home, each line to its end, then all below.
  const frame = (lines: string[]) =>
    `\u001B[?2026h\u001B[H${lines.map((line) => `${line}\u001B[K`).join("\n")}\u001B[J\u001B[?2026l\n`;

  test("a watch is written over, never cleared, in one frame for each change and each size", async () => {
    const watch = new TerminalProgram(["ctl", "--color=never", "status", "--watch"], environment, {
      cols: 200,
      rows: 9,
    });
    const rows = (foo: string) => [
      `NODE${" ".repeat(45)} | STATE   | IP${" ".repeat(15)} | LAST SEEN`,
      "=".repeat(110),
      `foo${" ".repeat(46)} | ${foo}`,
      `gone${" ".repeat(45)} | offline |                   | never`,
      `${longNode} | offline |                   | 2026-11-22 13:56:59,207+0000`,
    ];
    const online = frame(rows("online  | ::ffff:10.78.1.12 | now"));
    await watch.until((text) => text === online);
    controller.setOnline("foo", false);
    await watch.until((text) => /foo +\| offline/.test(text));
    controller.setOnline("foo", true);
    await watch.until((text) => text.endsWith(online) && text.length > online.length);
    watch.resize(200, 5);
    const few = frame([...rows("online  | ::ffff:10.78.1.12 | now").slice(0, 3), "... and 2 more"]);
    await watch.until((text) => text.endsWith(few));
    watch.kill("SIGINT");
    expect(await watch.ended()).toBe(0);
    expect(watch.text).not.toContain("\u001B[2J");
  });

  test("a watch of units says below them what is missing", async () => {
    const words = ["ctl", "--color=never", "status", "-w", "foo", "x.service", "no.service"];
    const watch = new TerminalProgram(words, environment);
    const first = frame([
      "UNIT      | LOADED | ACTIVE   | SUBSTATE | FREEZERSTATE | ENABLED",
      "=".repeat(66),
      "x.service | loaded | inactive | dead     | running      | disabled",
      "Unit no.service could not be found.",
    ]);
    await watch.until((text) => text === first);
    watch.kill("SIGINT");
    expect(await watch.ended()).toBe(0);
  });

  test.each([
    [{ NO_COLOR: "1" }, [], false],
    [{ TERM: "dumb" }, [], false],
    [{}, ["--color=never"], false],
    [{ NO_COLOR: "1" }, ["--color=always"], true],
    [{}, [], true],
  ])("%j with options %j: colours %p", async (extra, options, coloured) => {
    const run = (...words: string[]) => runOnTerminal(["ctl", ...words, ...options], { ...environment, ...extra });
    expect((await run("status", "foo")).includes(green)).toBe(coloured);
    expect(await run("status", "no")).toBe(`${coloured ? `${red}✖${plain} ` : ""}Node no not found\n`);
  });
});

test.each([
  ["status foo", "foo                           | \u001B[32monline\u001B[0m    | "],
  ["status foo init.scope", "init.scope\t| loaded\t| \u001B[32mactive\u001B[0m\t| "],
  ["list-units --filter=i*", "foo  | init.scope | \u001B[32mactive\u001B[0m   | "],
])("%s is coloured in a pipe when that is asked for, and else as it was", async (line, row) => {
  const { stdout } = await bluechictl(`${line} --color=always`);
  expect(stdout).toContain(row);
  expect(Bun.stripANSI(stdout)).toBe((await bluechictl(line)).stdout);
});

describe("nothing waits for what will not come", () => {
  const piped = async (command: string, rest: string) => {
    const main = `${import.meta.dir}/../../src/main.ts`;
    const shell = Bun.spawn(["sh", "-c", `(${process.execPath} ${main} ${command}; echo $? >&2) ${rest}`], {
      env: { ...process.env, ...environment },
      stdout: "pipe",
      stderr: "pipe",
    });
    return [await new Response(shell.stdout).text(), await new Response(shell.stderr).text()];
  };

  test("a pipe whose reader has gone", async () => {
    expect(await piped("ctl list-units", "| true")).toEqual(["", "0\n"]);
  });

  test("a full disk", async () => {
    const [, stderr] = await piped("ctl list-units", "> /dev/full");
    expect(stderr).toMatch(/^[^\n]*no space left[^\n]*\n1\n$/i);
  });

  test("a pipe whose reader is slow gets everything", async () => {
    controller.moreUnits = 100_000;
    const [stdout, stderr] = await piped("ctl list-units foo", "| (sleep 0.5; wc -l)");
    controller.moreUnits = 0;
    expect([stdout, stderr]).toEqual(["100003\n", "0\n"]);
  });

  test("a job whose controller leaves", async () => {
    expect(await bluechictl("start foo leaving.service")).toEqual({
      stdout: "",
      stderr: `${call}: The controller has left the bus\n`,
      status: 1,
    });
    controller = await FakeController.start(bus.address);
  });

  /** Each with the call that it makes after its first line, if it makes one. */
  test.each([
    ["monitor", "Subscribe * *"],
    ["status -w", undefined],
    ["status -w foo x.service", "Subscribe foo x.service"],
    ["metrics listen", undefined],
  ])("%s", async (line, last) => {
    controller.calls.length = 0;
    const program = new Program(["ctl", ...line.split(" ")], environment);
    await program.says("\n");
    if (last !== undefined) await controller.answered(last);
    controller.stop();
    const { stderr, status } = await program.ended();
    controller = await FakeController.start(bus.address);
    expect({ stderr, status }).toEqual({ stderr: `${call}: The controller has left the bus\n`, status: 1 });
  });

  test.each([
    ["start foo x.service", call],
    ["list-units", call],
    ["monitor", call],
    ["metrics listen", call],
    ["status", "Failed to list nodes"],
    ["status -w", "Failed to list nodes"],
  ])("no controller: %s", async (line, prefix) => {
    controller.stop();
    const ended = await bluechictl(line);
    controller = await FakeController.start(bus.address);
    expect(ended).toEqual({
      stdout: "",
      stderr: `${prefix}: The name is not activatable: bluechi-controller does not run on this host\n`,
      status: 1,
    });
  });

  test("no bus", async () => {
    const { stdout, stderr, status } = await bluechictl("status", { DBUS_SYSTEM_BUS_ADDRESS: "unix:path=/nowhere" });
    expect({ stdout, status }).toEqual({ stdout: "", status: 1 });
    expect(stderr).toMatch(/^Failed to connect to the system bus: [^\n]+\n$/);
  });
});
