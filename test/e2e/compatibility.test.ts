// What of the original is no single command of bluechictl's: watches, lists, the other programs, errors.
import { afterAll, beforeAll, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, jobPath, monitorPath, rootPath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import { commands } from "../../src/roles/ctl/commands.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { call, denied, nodeRow, nodesHead, onlineRow, unitsHead } from "./printed.ts";
import { Program, refusal } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"], { controller: "[node gone]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const folder = "/etc/systemd/system";
const nodes = nodesHead + onlineRow(main) + onlineRow(pi) + nodeRow("gone", "offline", "", "never");

beforeAll(async () => {
  for (const [name, text] of [
    ["one.service", "[Service]\nExecStart=sleep infinity\n"],
    ["two.service", "[Service]\nExecStart=sleep infinity\nExecReload=true\n[Install]\nWantedBy=multi-user.target\n"],
    ["takes.service", "[Service]\nType=oneshot\nRemainAfterExit=yes\nExecStart=sleep 0.1\n"],
  ] as const) {
    await pi.write(`${folder}/${name}`, text);
  }
  await pi.sh("systemctl daemon-reload");
});

afterAll(() => cluster.close());

test("words that are not understood are answered with the help", async () => {
  const help = (await cluster.ctl("help")).stdout;
  expect(help).toStartWith("Usage: bluechictl COMMAND");
  for (const [argv, complaint] of [
    [[], "No command given"],
    [["begin", "pi", "one.service"], "Method begin not found"],
    [["-Q", "status"], "bluechictl: invalid option -- 'Q'"],
  ] as const) {
    expect(await cluster.ctl(...argv)).toEqual({ status: 1, stdout: help, stderr: `${complaint}\n` });
  }
  for (const [argv, complaint] of [
    [["status", "--QWERTY"], "bluechictl: unrecognized option '--QWERTY'"],
    [["list-units", "--filter"], "bluechictl: option '--filter' requires an argument"],
  ] as const) {
    const stdout = (await cluster.ctl(argv[0], "--help")).stdout;
    expect(await cluster.ctl(...argv)).toEqual({ status: 1, stdout, stderr: `${complaint}\n` });
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
  // The subscription may be told with the state, which is shown again.
  expect((await text()).split(clear)[0]).toBe(
    `${unitsHead}two.service\t| loaded\t| inactive\t| dead\t\t| running\t| disabled\t|\n`,
  );
  // The table may be written before the subscription is made.
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
  expect((await text()).split(clear).slice(0, 2)).toEqual(["", nodes]);
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

test("what metrics measure is true: the unit's own time, within the agent's, within the controller's", async () => {
  const program = await Program.on(main, { listen: true });
  await program.controller.call("EnableMetrics", {});
  const begun = performance.now();
  await program.node("pi").call("StartUnit", { name: "takes.service", mode: "replace" });
  await program.hears(/^JobRemoved .* done$/, /^metrics StartUnitJobMetrics/);
  const most = (performance.now() - begun) * 1000;
  const measured = (name: string) => program.texts.find((text) => text.startsWith(`metrics ${name}`))?.split(" ") ?? [];
  const [, , node, unit, method, net] = measured("AgentJobMetrics");
  expect([node, unit, method]).toEqual(["pi", "takes.service", "StartUnit"]);
  const [, , , job, , gross, own] = measured("StartUnitJobMetrics");
  expect(program.texts).toContain(`JobNew ${job?.slice("job/".length)} ${job}`);
  const shown = await pi.sh(
    "systemctl show -P InactiveExitTimestampMonotonic -P ActiveEnterTimestampMonotonic takes.service",
  );
  const [exit = 0, enter = 0] = shown
    .trim()
    .split("\n")
    .map(Number)
    .sort((a, b) => a - b);
  expect(Number(own)).toBe(enter - exit);
  expect(Number(own)).toBeGreaterThan(0);
  expect(Number(net)).toBeGreaterThan(Number(own));
  expect(Number(gross)).toBeGreaterThan(Number(net));
  expect(most).toBeGreaterThan(Number(gross));
  await program.controller.call("DisableMetrics", {});
  program.clear();
  await program.node("pi").call("StopUnit", { name: "takes.service", mode: "replace" });
  await program.hears(/^JobRemoved .* done$/);
  await program.caughtUp();
  expect(program.all(/^metrics/)).toEqual([]);
  program.close();
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

test("each program has a help, and getopt's words for what it does not know", async () => {
  for (const path of [
    "bin/bluechictl",
    "bin/bluechi-is-online",
    "libexec/bluechi-controller",
    "libexec/bluechi-agent",
    "libexec/bluechi-proxy",
  ]) {
    const [program, name] = [`/usr/${path}`, path.split("/").at(-1) ?? ""];
    const help = await main.run([program, "--help"]);
    expect(help).toEqual({ status: 0, stdout: expect.stringMatching(new RegExp(`^Usage: ${name} `)), stderr: "" });
    expect(await main.run([program, "-h"])).toEqual(help);
    for (const [option, complaint] of [
      ["-Q", "invalid option -- 'Q'"],
      ["--QWERTY", "unrecognized option '--QWERTY'"],
    ] as const) {
      const outcome = await main.run([program, option]);
      const further = name === "bluechictl" ? "" : "Unsupported option ?\n";
      expect(outcome).toEqual({ status: 1, stdout: help.stdout, stderr: `${name}: ${complaint}\n${further}` });
    }
  }
});

test("each daemon goes by the name that it was called by", async () => {
  for (const name of ["bluechi-controller", "bluechi-agent"]) {
    const pid = (await main.sh(`systemctl show -P MainPID ${name}`)).trim();
    // The kernel keeps 15 characters of the short name.
    const [short, path] = (await main.sh(`ps -o comm=,args= -p ${pid}`)).trim().split(/\s+/);
    expect([short, path]).toEqual([name.slice(0, 15), `/usr/libexec/${name}`]);
  }
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

test("programs may write a log level as they like", async () => {
  const [program, local] = [await Program.on(main), await Program.on(pi)];
  const agent = client(local.bus, agentName, rootPath, agentInterface);
  for (const [word, level] of [
    ["warn", "WARN"],
    ["Info", "INFO"],
    ["DEBUG", "DEBUG"],
  ] as const) {
    await program.controller.call("SetLogLevel", { loglevel: word });
    await program.node("pi").call("SetLogLevel", { level: word });
    expect([await program.controller.get("LogLevel"), await agent.get("LogLevel")]).toEqual([level, level]);
  }
  program.close();
  local.close();
});

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
  expect(Math.abs(Date.now() - Number(seen / 1000n))).toBeLessThan(60_000);
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
  const absent = "The name is not activatable: bluechi-controller does not run on this host";
  const plain = [
    ...["start", "stop", "restart", "reload", "freeze", "thaw", "is-enabled", "reset-failed"].map(
      (verb) => `${verb} pi one.service`,
    ),
    ...[
      "daemon-reload pi",
      "get-default pi",
      "set-default pi rescue.target",
      "set-loglevel DEBUG",
      "set-loglevel pi INFO",
    ],
    ...[
      "list-units",
      "list-units pi",
      "list-unit-files",
      "list-unit-files pi",
      "metrics enable",
      "metrics disable",
      "metrics listen",
    ],
    ...["monitor", "reset-failed"],
  ];
  const failed = (what: string) => `Failed to issue call: ${absent}\nFailed to ${what} - No route to host`;
  for (const [line, stderr] of [
    ...plain.map((words) => [words, `${call}: ${absent}\n`] as const),
    ["kill pi one.service", `${call} for KillUnit: ${absent}\n`],
    ...["enable", "disable"].map(
      (verb) => [`${verb} pi one.service`, `${failed(`${verb} the units on node [pi]`)}\n`] as const,
    ),
    ["reset-failed pi", `Couldn't reset failed state of all units on node 'pi': ${absent}\n`],
    ...["status", "status pi", "status -w"].map((words) => [words, `Failed to list nodes: ${absent}\n`] as const),
    ...["status pi one.service", "status -w pi one.service"].map(
      (words) => [words, failed("get status of unit one.service on node pi")] as const,
    ),
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

test("jobs and monitors are counted from 1", async () => {
  await main.sh("systemctl restart bluechi-controller");
  for (const name of ["main", "pi"]) await cluster.online(name);
  const program = await Program.on(main);
  for (const number of [1, 2]) {
    const { job } = await program.node("pi").call("RestartUnit", { name: "two.service", mode: "replace" });
    expect([job, (await program.monitor()).path]).toEqual([jobPath(number), monitorPath(number)]);
  }
  program.close();
});
