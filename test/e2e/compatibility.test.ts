// bluechictl to the byte, against real systemds: each command, when it succeeds and when it does not.
import { afterAll, beforeAll, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { controllerInterface } from "../../src/api/controller.ts";
import { jobInterface } from "../../src/api/job.ts";
import { metricsInterface } from "../../src/api/metrics.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { agentName, controllerName, metricsPath, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { client } from "../../src/bus/client.ts";
import type { Interface } from "../../src/bus/interface.ts";
import { commands } from "../../src/roles/ctl/commands.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"], { unified: true, controller: "[node gone]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

const folder = "/etc/systemd/system";
const wants = `${folder}/multi-user.target.wants`;
const install = "[Install]\nWantedBy=multi-user.target\n";
const sleeper = "[Service]\nExecStart=sleep infinity\nExecReload=true\n";
const failing = "[Service]\nType=oneshot\nExecStart=false\n";

beforeAll(async () => {
  for (const [name, text] of [
    ["one.service", sleeper + install],
    ["two.service", sleeper + install],
    ["idle.service", sleeper],
    ["holds.service", `[Unit]\nAfter=idle.service\n${sleeper}`],
    ["slow.service", "[Service]\nType=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity\n"],
    ["fails.service", failing],
    ["fails-too.service", failing],
    ["masked.service", ""],
    ["named.service", `${sleeper}[Install]\nAlias=nick.service\n`],
    ["other.service", `${sleeper}[Install]\nAlias=nick.service\n`],
    ["lonely.service", `${sleeper}[Install]\nWantedBy=no-such.target\n`],
  ] as const) {
    await pi.write(`${folder}/${name}`, text);
  }
  await pi.sh(`ln -sf /dev/null ${folder}/masked.service; systemctl set-default multi-user.target`);
  await pi.sh("systemctl daemon-reload");
});

afterAll(() => cluster.close());

interface Case {
  readonly line: string;
  readonly stdout?: string;
  readonly stderr?: string;
  readonly status?: number;
  /** As the original. */
  readonly compatible?: boolean;
  /** What is done on the node before. */
  readonly before?: string;
}

const call = "Failed to issue method call";
const offline = "Node is offline";
const unknown = `Unknown object '${nodePath("no")}'.`;
const noFile = "No such file or directory";
const enablement = "The unit files included enablement information\n";
const noEnablement = "The unit files did not include any enablement information\n";
const created = (unit: string, where = wants) => `Created symlink ${where}/${unit} -> ${folder}/${unit}\n`;
const header = "NODE                          | STATE     | IP                      | LAST SEEN                   \n";
const nodeRow = (name: string, state: string, ip: string, seen: string) =>
  `${name.padEnd(30)}| ${state.padEnd(10)}| ${ip.padEnd(24)}| ${seen.padEnd(28)}\n`;
const mainRow = nodeRow("main", "online", `::ffff:${main.address}`, "now");
const piRow = nodeRow("pi", "online", `::ffff:${pi.address}`, "now");
const goneRow = nodeRow("gone", "offline", "", "never");
const nodes = `${header}${"=".repeat(90)}\n`;
const denied = (source: string, target: string) =>
  `Proxy service failed to start: Proxy on node not allowed: '${source}' has no AllowDependenciesOn=${target}`;
const unitsHead = `UNIT\t\t| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|\n${"-".repeat(96)}\n`;
const done = (unit: string, method: string) => `Unit ${unit} ${method} operation result: done\n`;
const defaultLink = `${folder}/default.target`;
const rescue = (await pi.sh("systemctl show -P FragmentPath rescue.target")).trim();
/** Keeps an inactive unit loaded. */
const hold = "systemctl start holds.service";

/** A call that fails on every node that is offline, and on one that nobody knows. */
const unreachable = (line: (node: string) => string, prefix = `${call}: `): Case[] => [
  { line: line("gone"), stderr: `${prefix}${offline}\n`, status: 1 },
  { line: line("no"), stderr: `${prefix}${unknown}\n`, status: 1 },
];

const cases: Case[] = [
  // Arguments, which are looked at before anything is asked of the bus.
  { line: "start pi", stderr: "Too few arguments for method start\n", status: 1 },
  { line: "start pi one.service two.service", stderr: "Too many arguments for method start\n", status: 1 },
  { line: "start pi one.service --force", stderr: "Unsupported option 'force' for method 'start'\n", status: 1 },
  {
    line: "disable pi one.service --runtime",
    stderr: "Unsupported option 'runtime' for method 'disable'\n",
    status: 1,
  },
  { line: "metrics", stderr: "Too few arguments for method metrics\n", status: 1 },
  { line: "metrics often", stderr: "Unknown metrics command: often\n", status: 1 },
  { line: "version pi", stderr: "Too many arguments for method version\n", status: 1 },
  // Jobs.
  { line: "start pi one.service", stdout: done("one.service", "StartUnit") },
  { line: "start pi fails.service", stdout: "Unit fails.service StartUnit operation result: failed\n", status: 1 },
  {
    line: "start pi fails.service",
    stdout: "Unit fails.service StartUnit operation result: failed\n",
    compatible: true,
  },
  { line: "start pi masked.service", stderr: `${call}: Unit masked.service is masked.\n`, status: 1 },
  ...["start", "stop", "restart", "reload"].flatMap((verb) => unreachable((node) => `${verb} ${node} one.service`)),
  // Freezing.
  { line: "freeze pi one.service", stdout: "Unit one.service freeze operation done\n" },
  {
    line: "status pi one.service",
    stdout: `${unitsHead}one.service\t| loaded\t| active\t| running\t| frozen\t| disabled\t|\n`,
  },
  { line: "thaw pi one.service", stdout: "Unit one.service thaw operation done\n" },
  {
    line: "status pi one.service",
    stdout: `${unitsHead}one.service\t| loaded\t| active\t| running\t| running\t| disabled\t|\n`,
  },
  { line: "freeze pi two.service", stderr: `${call}: Unit two.service not loaded.\n`, status: 1 },
  { line: "freeze pi idle.service", before: hold, stderr: `${call}: Unit is inactive.\n`, status: 1 },
  { line: "thaw pi no-such.service", stderr: `${call}: Unit no-such.service not loaded.\n`, status: 1 },
  ...["freeze", "thaw"].flatMap((verb) => unreachable((node) => `${verb} ${node} one.service`)),
  // Signals.
  { line: "kill pi one.service --kill-whom=main --signal=18" },
  { line: "kill --signal 18 pi --kill-whom all one.service" },
  {
    line: "kill pi one.service --kill-whom=some",
    stderr: "Value 'some' of option --kill-whom is invalid\n",
    status: 1,
  },
  ...["0", "32", "-1", "TERM"].map((signal) => ({
    line: `kill pi one.service --signal=${signal}`,
    stderr: `Value '${signal}' of option --signal is invalid\n`,
    status: 1,
  })),
  {
    line: "kill pi no-such.service",
    stderr: `${call} for KillUnit: Unit no-such.service not loaded.\n`,
    status: 1,
  },
  ...unreachable((node) => `kill ${node} one.service`, `${call} for KillUnit: `),
  // Unit files.
  {
    line: "enable pi one.service two.service",
    stderr: enablement + created("one.service") + created("two.service"),
  },
  { line: "enable pi one.service", stderr: enablement },
  { line: "is-enabled pi one.service", stdout: "enabled\n" },
  {
    line: "disable pi one.service two.service",
    stderr: `Removed "${wants}/two.service".\nRemoved "${wants}/one.service".\n`,
  },
  { line: "disable pi one.service" },
  { line: "is-enabled pi one.service", stdout: "disabled\n", status: 1 },
  {
    line: "enable pi one.service --runtime --no-reload",
    stderr: enablement + created("one.service", "/run/systemd/system/multi-user.target.wants"),
  },
  { line: "is-enabled pi one.service", stdout: "enabled-runtime\n" },
  { line: "is-enabled pi fails.service", stdout: "static\n" },
  { line: "is-enabled pi masked.service", stdout: "masked\n", status: 1 },
  { line: "is-enabled pi no-such.service", stderr: `${call}: ${noFile}\n`, status: 1 },
  { line: "enable pi fails.service", stderr: noEnablement },
  {
    line: "enable pi named.service",
    stderr: `${enablement}Created symlink ${folder}/nick.service -> ${folder}/named.service\n`,
  },
  {
    line: "enable pi other.service",
    stderr: `Failed to issue call: File ${folder}/nick.service already exists and is a symlink to ${folder}/named.service.\nFailed to enable the units on node [pi] - File exists\n`,
    status: 1,
  },
  {
    line: "enable pi other.service -f",
    stderr: `${enablement}Removed "${folder}/nick.service".\nCreated symlink ${folder}/nick.service -> ${folder}/other.service\n`,
  },
  {
    line: "enable pi lonely.service",
    stderr:
      enablement +
      created("lonely.service", `${folder}/no-such.target.wants`) +
      `Unit ${folder}/lonely.service is added as a dependency to a non-existent unit no-such.target.\n`,
  },
  {
    line: "enable pi masked.service",
    stderr: `Failed to issue call: Unit file ${folder}/masked.service is masked.\nFailed to enable the units on node [pi] - Operation not possible due to RF-kill\n`,
    status: 1,
  },
  ...["enable", "disable"].flatMap((verb) =>
    (
      [
        ["pi", "no-such.service", "Unit file no-such.service does not exist.", noFile],
        ["gone", "one.service", offline, "Input/output error"],
        ["no", "one.service", unknown, "Invalid request descriptor"],
      ] as const
    ).map(([node, unit, message, number]) => ({
      line: `${verb} ${node} ${unit}`,
      stderr: `Failed to issue call: ${message}\nFailed to ${verb} the units on node [${node}] - ${number}\n`,
      status: 1,
    })),
  ),
  {
    line: "disable gone one.service",
    stderr: `Failed to issue call: ${offline}\nFailed to disable the units on node [gone] - Input/output error\n`,
    compatible: true,
  },
  ...unreachable((node) => `is-enabled ${node} one.service`),
  // A node's systemd.
  { line: "daemon-reload pi" },
  ...unreachable((node) => `daemon-reload ${node}`),
  { line: "get-default pi", stdout: "multi-user.target\n" },
  ...unreachable((node) => `get-default ${node}`),
  {
    line: "set-default pi rescue.target",
    stdout: `[(unlink ${defaultLink} ),(symlink ${defaultLink} ${rescue}),]\n`,
  },
  { line: "set-default pi rescue.target", stdout: "[]\n" },
  { line: "set-default pi one.service", stderr: "Error: Unit 'one.service' is not a target unit\n", status: 1 },
  { line: "set-default pi one.service", stderr: "Error: Unit 'one.service' is not a target unit\n", compatible: true },
  { line: "set-default pi no-such.target", stderr: `${call}: Unit file no-such.target does not exist.\n`, status: 1 },
  ...unreachable((node) => `set-default ${node} rescue.target`),
  // Failures.
  {
    line: "reset-failed pi fails.service fails-too.service",
    before: "systemctl start fails.service fails-too.service || true",
    stdout: "1 fails.service\n2 fails-too.service\n",
  },
  {
    line: "status pi fails.service",
    stdout: `${unitsHead}fails.service\t| loaded\t| inactive\t| dead\t\t| running\t| static\t|\n`,
  },
  {
    line: "reset-failed pi no-such.service fails.service",
    stdout: "1 no-such.service\n",
    stderr: `${call}: Unit no-such.service not loaded.\n`,
    status: 1,
  },
  { line: "reset-failed pi" },
  ...["gone", "no"].map((node) => ({
    line: `reset-failed ${node}`,
    stderr: `Couldn't reset failed state of all units on node '${node}': ${node === "gone" ? offline : unknown}\n`,
    status: 1,
  })),
  {
    line: "reset-failed gone one.service",
    stdout: "1 one.service\n",
    stderr: `${call}: ${offline}\n`,
    status: 1,
  },
  {
    line: "reset-failed",
    stderr: `Couldn't reset failed state of all units on node 'gone': ${offline}\n`,
    status: 1,
  },
  // Log levels.
  ...["debug", "LOUD", "7"].flatMap((level) =>
    ["", "pi "].map((node) => ({
      line: `set-loglevel ${node}${level}`,
      stderr: `${call}: Invalid input for log level\n`,
      status: 1,
    })),
  ),
  { line: "set-loglevel pi LOUD", compatible: true },
  { line: "set-loglevel LOUD", stderr: `${call}: Invalid input for log level\n`, status: 1, compatible: true },
  ...unreachable((node) => `set-loglevel ${node} DEBUG`),
  // Lists.
  ...["list-units", "list-unit-files"].flatMap((verb) => unreachable((node) => `${verb} ${node}`)),
  // Nodes and units.
  { line: "status", stdout: nodes + mainRow + piRow + goneRow },
  { line: "status pi", stdout: nodes + piRow },
  { line: "status gone", stdout: nodes + goneRow },
  { line: "status no", stderr: "Node no not found\n", status: 1 },
  {
    line: "status pi init.scope one.service no-such.service fails.service",
    stdout:
      `${unitsHead}init.scope\t| loaded\t| active\t| running\t| running\t| (null)\t|\n` +
      "one.service\t| loaded\t| active\t| running\t| running\t| enabled-runtime\t|\n" +
      "fails.service\t| loaded\t| inactive\t| dead\t\t| running\t| static\t|\n",
    stderr: "Unit no-such.service could not be found.\n",
  },
  { line: "status pi no-such.service", stdout: unitsHead, stderr: "Unit no-such.service could not be found.\n" },
  {
    line: "status pi masked.service",
    stdout: `${unitsHead}masked.service\t| masked\t| inactive\t| dead\t\t| running\t| masked\t|\n`,
  },
  {
    line: "status gone one.service two.service",
    stdout: unitsHead,
    stderr: `Failed to issue call: ${offline}\nFailed to get status of unit one.service on node gone - Input/output error`,
    status: 1,
  },
  {
    line: "status no one.service",
    stdout: unitsHead,
    stderr: `Failed to issue call: ${unknown}\nFailed to get status of unit one.service on node no - Invalid request descriptor`,
    status: 1,
  },
  // The end of what began above.
  { line: "stop pi one.service", stdout: done("one.service", "StopUnit") },
];

for (const { line, stdout = "", stderr = "", status = 0, compatible = false, before } of cases) {
  test(`bluechictl ${line}${compatible ? " as the original" : ""}`, async () => {
    if (before !== undefined) await pi.sh(before);
    const env = compatible ? { BLUECHI_COMPAT: "1" } : {};
    expect(await main.run(["bluechictl", ...line.split(" ")], { env })).toEqual({ stdout, stderr, status });
  });
}

test("words that are not understood are answered with the help", async () => {
  const help = (await cluster.ctl("help")).stdout;
  expect(help).toStartWith("Usage: bluechictl COMMAND");
  for (const [argv, complaint] of [
    [[], "No command given"],
    [["begin", "pi", "one.service"], "Method begin not found"],
    [["-Q", "status"], "bluechictl: invalid option -- 'Q'"],
    [["status", "--QWERTY"], "bluechictl: unrecognized option '--QWERTY'"],
    [["list-units", "--filter"], "bluechictl: option '--filter' requires an argument"],
  ] as const) {
    expect(await cluster.ctl(...argv)).toEqual({ status: 1, stdout: help, stderr: `${complaint}\n` });
  }
  for (const option of ["-h", "--help"]) {
    expect(await cluster.ctl(option)).toEqual({ status: 0, stdout: help, stderr: "" });
  }
});

test("each command has a help of its own", async () => {
  for (const name of Object.keys(commands)) {
    const { status, stdout, stderr } = await cluster.ctl(name, "--help");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toStartWith(`Usage: bluechictl ${name}`);
  }
});

test("a unit's state is told as systemctl tells it, with its exit status", async () => {
  const files = (await pi.sh("systemctl list-unit-files --no-legend --plain")).trim().split("\n");
  const byState = new Map(files.map((row) => row.split(/\s+/)).map(([file = "", state = ""]) => [state, file]));
  expect(byState.size).toBeGreaterThan(4);
  for (const [state, file] of byState) {
    // Of a template nothing is enabled but its instances.
    if (file.includes("@.")) continue;
    const { status, stdout } = await pi.run(["systemctl", "is-enabled", file]);
    const ours = await cluster.ctl("is-enabled", "pi", file);
    expect({ state, file, ...ours }).toEqual({ state, file, status: status === 0 ? 0 : 1, stdout, stderr: "" });
  }
});

test("a filter is a glob on the whole key, and columns are as wide as what it leaves out", async () => {
  const all = (await cluster.ctl("list-unit-files", "pi")).stdout.split("\n");
  const [head, rule] = all;
  expect(await cluster.ctl("list-unit-files", "pi", "--filter=one*")).toEqual({
    status: 0,
    stdout: `${head}\n${rule}\n`,
    stderr: "",
  });
  const rows = all.filter((row) => row.includes("/one.service "));
  expect(rows).toHaveLength(1);
  const filtered = await cluster.ctl("list-unit-files", "--filter", `${folder}/one.*`, "pi");
  expect(filtered.stdout).toBe([head, rule, ...rows, ""].join("\n"));
});

test("without a node, lists are of all nodes that are online", async () => {
  for (const command of ["list-units", "list-unit-files"]) {
    const { status, stdout, stderr } = await cluster.ctl(command);
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    const names = stdout
      .trimEnd()
      .split("\n")
      .slice(2)
      .map((row) => row.split(" ")[0]);
    expect([...new Set(names)].sort()).toEqual(["main", "pi"]);
  }
});

const clear = "\u001B[2J\u001B[0;0H";

test("status -w of units is shown again at each change, into a file too", async () => {
  const file = "/root/watched";
  const watch = main.spawn(["sh", "-c", `exec bluechictl status -w pi two.service >${file}`]);
  const text = () => main.run(["cat", file]).then(({ stdout }) => stdout);
  await main.until("the first table", async () => (await text()).includes("two.service"));
  expect(await text()).toBe(`${unitsHead}two.service\t| loaded\t| inactive\t| dead\t\t| running\t| disabled\t|\n`);
  // The table may be written before the subscription is made, which is told with the state.
  await main.until("a start to be shown", async () => {
    await cluster.ctl("restart", "pi", "two.service");
    return /^two.service\t\| loaded\t\| active\t\| running/m.test(await text());
  });
  expect((await text()).split(clear).length).toBeGreaterThan(1);
  await watch.kill("SIGINT");
  expect(await watch.exited).toBe(0);
  await cluster.ctl("stop", "pi", "two.service");
});

test("status -w of nodes is shown again at each change, the first time on a clear screen too", async () => {
  const file = "/root/watched-nodes";
  const watch = main.spawn(["sh", "-c", `exec bluechictl status --watch >${file}`]);
  const text = () => main.run(["cat", file]).then(({ stdout }) => stdout);
  const shows = (pattern: RegExp) => main.until(String(pattern), async () => pattern.test(await text()));
  await shows(/^pi .*online/m);
  expect(await text()).toBe(clear + nodes + mainRow + piRow + goneRow);
  await pi.sh("systemctl stop bluechi-agent");
  await shows(/^pi .*\| offline .*\| \d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}[+-]\d{4} *$/m);
  await pi.sh("systemctl start bluechi-agent");
  await cluster.online("pi");
  await watch.kill("SIGINT");
  expect(await watch.exited).toBe(0);
});

test("metrics listen tells of every job, on nodes that came later too", async () => {
  await pi.sh("systemctl stop bluechi-agent");
  await cluster.offline("pi");
  expect((await cluster.ctl("metrics", "enable")).stdout).toBe("Done\n");
  await pi.sh("systemctl start bluechi-agent");
  await cluster.online("pi");
  const listening = main.spawn(["bluechictl", "metrics", "listen"]);
  await listening.line("Waiting for metrics signals...");
  for (const verb of ["start", "restart", "reload", "stop"]) await cluster.ctl(verb, "pi", "two.service");
  await listening.line("StopUnit");
  expect(
    listening.lines.slice(1).map((line) => line.replace(/\d+\.\dms$/, "N").replace(/\/job\/\d+/, "/job/N")),
  ).toEqual([
    "[pi] Agent systemd StartUnit job on two.service net measured time: N",
    "[pi] Job /org/eclipse/bluechi/job/N to start unit two.service:",
    "\tBlueChi job gross measured time: N",
    "\tUnit net start time (from properties): N",
    "[pi] Agent systemd RestartUnit job on two.service net measured time: N",
    "[pi] Agent systemd ReloadUnit job on two.service net measured time: N",
    "[pi] Agent systemd StopUnit job on two.service net measured time: N",
  ]);
  await listening.kill("SIGINT");
  expect(await listening.exited).toBe(0);
  expect(await cluster.ctl("metrics", "disable")).toEqual({ status: 0, stdout: "Done\n", stderr: "" });
  expect(await cluster.ctl("metrics", "disable")).toEqual({
    status: 1,
    stdout: "",
    stderr: `${call}: Metrics already disabled\n`,
  });
});

test("a monitor of a node that nobody knows is silent", async () => {
  const monitor = main.spawn(["bluechictl", "monitor", "no"]);
  await monitor.line("Subscribing to node 'no' and unit '*'");
  expect(monitor.lines[0]).toMatch(/^Monitor path: \/org\/eclipse\/bluechi\/monitor\/\d+$/);
  await monitor.kill("SIGINT");
  expect(await monitor.exited).toBe(0);
  expect(monitor.lines).toHaveLength(2);
});

test("bluechi-is-online says what is offline", async () => {
  for (const [line, stderr] of [
    ["agent", ""],
    ["node pi", ""],
    ["node gone", "org.eclipse.bluechi is offline\n"],
    ["system", "org.eclipse.bluechi is offline\n"],
    ["system --monitor", "org.eclipse.bluechi is offline\n"],
  ] as const) {
    const outcome = await main.run(["bluechi-is-online", ...line.split(" ")]);
    expect({ line, ...outcome }).toEqual({ line, status: stderr === "" ? 0 : 1, stdout: "", stderr });
  }
  expect((await pi.run(["bluechi-is-online", "system"])).stderr).toBe("org.eclipse.bluechi is offline\n");
});

test("bluechi-proxy says what it lacks, and which proxy failed", async () => {
  for (const [line, stderr] of [
    ["create", "Not enough arguments specified\n"],
    ["make pi_one.service", "Unsupported command make\n"],
    ["create one.service", "No underscore in unit name 'one.service'\n"],
    ["create pi_one.service", `Failed to activate bluechi-proxy@pi_one.service (on pi): ${denied("main", "pi")}\n`],
  ] as const) {
    const outcome = await main.run(["/usr/libexec/bluechi-proxy", ...line.split(" ")]);
    expect({ line, ...outcome }).toEqual({ line, status: 1, stdout: "", stderr });
  }
  const removal = await main.run(["/usr/libexec/bluechi-proxy", "remove", "pi_one.service"]);
  expect(removal).toEqual({ status: 0, stdout: "", stderr: "" });
});

test("each program tells the version of the package", async () => {
  const version = (await cluster.ctl("version")).stdout.replace(/^bluechictl version /, "");
  expect(version).toMatch(/^\d+\.\d+\.\d+\S*\n$/);
  for (const [path, argument] of [
    ["/usr/bin/bluechictl", "--version"],
    ["/usr/bin/bluechi-is-online", "version"],
    ...["controller", "agent", "proxy"].flatMap((role) =>
      ["-v", "--version"].map((option) => [`/usr/libexec/bluechi-${role}`, option] as const),
    ),
  ] as const) {
    const name = path.split("/").at(-1);
    expect(await main.run([path, argument])).toEqual({ status: 0, stdout: `${name} version ${version}`, stderr: "" });
  }
});

test("introspection is what the tables say, and each object lists those below it", async () => {
  const program = await Program.on(main);
  const { path: monitor } = await program.monitor();
  const { job } = await program.node("pi").call("StartUnit", { name: "slow.service", mode: "replace" });
  await program.controller.call("EnableMetrics", {});
  const document = (name: string, path: string) => main.sh(`busctl introspect --xml-interface ${name} ${path}`);
  for (const [name, path, table] of [
    [controllerName, rootPath, controllerInterface],
    [controllerName, nodePath("pi"), nodeInterface],
    [controllerName, nodePath("gone"), nodeInterface],
    [controllerName, job, jobInterface],
    [controllerName, monitor, monitorInterface],
    [controllerName, metricsPath, metricsInterface],
    [agentName, rootPath, agentInterface],
  ] as const) {
    const xml = await document(name, path);
    const interfaces = [...xml.matchAll(/<interface name="([^"]+)"/g)].map(([, found]) => found ?? "");
    expect({ path, interfaces }).toEqual({ path, interfaces: [...standard, table.name] });
    expect(tableOf(xml, table.name)).toEqual(table);
  }
  const below = async (path: string) =>
    [...(await document(controllerName, path)).matchAll(/<node name="([^"]+)"/g)].map(([, name]) => name ?? "");
  const last = (path: string) => path.split("/").at(-1) ?? "";
  expect(await below("/")).toEqual(["org"]);
  expect(await below(rootPath)).toEqual(["job", "metrics", "monitor", "node"]);
  expect(await below(`${rootPath}/node`)).toEqual(["gone", "main", "pi"]);
  expect(await below(`${rootPath}/job`)).toEqual([last(job)]);
  expect(await below(`${rootPath}/monitor`)).toEqual([last(monitor)]);
  await program.call(controllerName, job, `${jobInterface.name}.Cancel`);
  await program.controller.call("DisableMetrics", {});
  program.close();
  await main.until("job and monitor to go", async () => Bun.deepEquals(await below(rootPath), ["node"]));
  await pi.run(["systemctl", "stop", "slow.service"]);
});

const standard = ["Peer", "Introspectable", "Properties"].map((name) => `org.freedesktop.DBus.${name}`);

/** An interface's table, read from an introspection document. */
function tableOf(xml: string, name: string): Interface {
  const content = new RegExp(`<interface name="${name}">(.*?)</interface>`, "s").exec(xml)?.[1] ?? "";
  const elements = (kind: string) =>
    [...content.matchAll(new RegExp(`<${kind} name="(\\w+)"([^>]*?)(?:/>|>(.*?)</${kind}>)`, "gs"))].map(
      ([, member = "", attributes = "", inner = ""]) => ({ member, attributes, inner }),
    );
  const args = (inner: string, direction = "") =>
    Object.fromEntries(
      [...inner.matchAll(/<arg type="([^"]+)" name="(\w+)"([^>]*)\/>/g)]
        .filter(([, , , rest = ""]) => rest.includes(direction))
        .map(([, type, argument]) => [argument, type]),
    );
  const emits = (inner: string) =>
    inner.includes('Explicit" value="true"') ? "explicit" : inner.includes('"const"') ? "const" : "change";
  return {
    name,
    methods: Object.fromEntries(
      elements("method").map(({ member, inner }) => [member, { in: args(inner, '"in"'), out: args(inner, '"out"') }]),
    ),
    signals: Object.fromEntries(elements("signal").map(({ member, inner }) => [member, args(inner)])),
    properties: Object.fromEntries(
      elements("property").map(({ member, attributes, inner }) => {
        expect(attributes).toContain('access="read"');
        return [member, { type: /type="([^"]+)"/.exec(attributes)?.[1] ?? "", emits: emits(inner) }];
      }),
    ),
  };
}

test("errors have the original's names", async () => {
  const program = await Program.on(main);
  const local = await Program.on(pi);
  const error = "org.freedesktop.DBus.Error.";
  const agent = client(local.bus, agentName, rootPath, agentInterface);
  await program.controller.call("EnableMetrics", {});
  const refused = async () => [
    await refusal(program.controller.call("EnableMetrics", {})),
    await program.controller
      .call("DisableMetrics", {})
      .then(() => refusal(program.controller.call("DisableMetrics", {}))),
    await refusal(agent.call("JobCancel", { id: 99 })),
    await refusal(agent.call("CreateProxy", { local_service_name: "x.service", node: "main", unit: "y.service" })),
    await refusal(program.node("pi").call("GetUnitFileState", { file: "no-such.service" })),
    await refusal(program.controller.call("SetLogLevel", { loglevel: "7" })),
  ];
  expect(await refused()).toEqual([
    `${error}InconsistentMessage: Metrics already enabled`,
    `${error}InconsistentMessage: Metrics already disabled`,
    `${error}Failed: No job with ID '99' found`,
    `org.eclipse.bluechi.ActivationFailed: ${denied("pi", "main")}`,
    `${error}FileNotFound: No such file or directory`,
    `${error}InvalidArgs: Invalid input for log level`,
  ]);
  await program.node("pi").call("SetLogLevel", { level: "7" });
  await agent.call("RemoveProxy", { local_service_name: "x.service", node: "main", unit: "y.service" });
  program.close();
  local.close();
});

test("a call that is pending while its node goes is answered", async () => {
  const program = await Program.on(main);
  await pi.sh("systemctl kill -s SIGSTOP bluechi-agent");
  const pending = refusal(program.node("pi").call("ListUnits", {}));
  await program.caughtUp();
  await pi.sh("systemctl kill -s SIGKILL bluechi-agent");
  expect(await pending).toBe("org.freedesktop.DBus.Error.NoReply: Connection terminated");
  program.close();
  await cluster.online("pi");
});

test("an agent's properties", async () => {
  const local = await Program.on(pi);
  const agent = client(local.bus, agentName, rootPath, agentInterface);
  const home = `tcp:host=${main.name},port=842`;
  expect(await agent.getAll()).toEqual({ Status: "online", ControllerAddress: home, LogTarget: "journald" });
  expect(await agent.get("LogLevel")).toBe("DEBUG");
  const times = async () => ({
    seen: await agent.get("LastSeenTimestamp"),
    seenMonotonic: await agent.get("LastSeenTimestampMonotonic"),
    gone: await agent.get("DisconnectTimestamp"),
    goneMonotonic: await agent.get("DisconnectTimestampMonotonic"),
  });
  const { seen, seenMonotonic, ...disconnected } = await times();
  expect(disconnected).toEqual({ gone: 0n, goneMonotonic: 0n });
  expect(Math.abs(Date.now() - Number(seen / 1000n))).toBeLessThan(10_000);
  await pi.until("the controller's next heartbeat", async () => (await times()).seenMonotonic > seenMonotonic);
  await main.sh("systemctl stop bluechi-controller");
  await pi.until("the agent to notice", async () => (await agent.get("Status")) === "offline");
  const { gone, goneMonotonic } = await times();
  expect([gone > seen, goneMonotonic > seenMonotonic]).toEqual([true, true]);
  await main.sh("systemctl start bluechi-controller");
  local.close();
  for (const name of ["main", "pi"]) await cluster.online(name);
});

test("without a controller each command says so", async () => {
  await main.sh("systemctl stop bluechi-controller.socket bluechi-controller.service");
  const absent = "The name is not activatable";
  for (const [line, stderr] of [
    ["status", `Failed to list nodes: ${absent}\n`],
    ["start pi one.service", `${call}: ${absent}\n`],
    ["list-units", `${call}: ${absent}\n`],
    ["metrics enable", `${call}: ${absent}\n`],
    ["monitor", `${call}: ${absent}\n`],
    ["daemon-reload pi", `${call}: ${absent}\n`],
  ] as const) {
    const { stdout: _, ...outcome } = await cluster.ctl(...line.split(" "));
    expect({ line, ...outcome }).toEqual({ line, status: 1, stderr });
  }
  expect(await main.run(["bluechi-is-online", "system"])).toEqual({
    status: 1,
    stdout: "",
    stderr: "org.eclipse.bluechi is offline\n",
  });
  await main.sh("systemctl start bluechi-controller");
  for (const name of ["main", "pi"]) await cluster.online(name);
});
