// The commands of bluechictl to the byte, against real systemds: each when it succeeds and when it does not.
import { afterAll, expect, test as testHere } from "bun:test";
import { type Hierarchy, hostHierarchies } from "../testbed/groups.ts";
import type { Host } from "../testbed/host.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { call, nodeRow, nodesHead, offline, onlineRow, unitsHead, unknown } from "./printed.ts";
import { said } from "./said.ts";

const folder = "/etc/systemd/system";
const wants = `${folder}/multi-user.target.wants`;
const install = "[Install]\nWantedBy=multi-user.target\n";
const sleeper = "[Service]\nExecStart=sleep infinity\nExecReload=true\n";
const failing = "[Service]\nType=oneshot\nExecStart=false\n";

/** What is on the node pi. */
async function prepare(pi: Host): Promise<void> {
  for (const [name, text] of [
    ["one.service", sleeper + install],
    ["two.service", sleeper + install],
    ["idle.service", sleeper],
    ["holds.service", `[Unit]\nAfter=idle.service\n${sleeper}`],
    ["unmet.service", `[Unit]\nAssertPathExists=/nowhere\n${sleeper}`],
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
}

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

const noFile = "No such file or directory";
const enablement = "The unit files included enablement information\n";
const noEnablement = "The unit files did not include any enablement information\n";
const created = (unit: string, where = wants) => `Created symlink ${where}/${unit} -> ${folder}/${unit}\n`;
const goneRow = nodeRow("gone", "offline", "", "never");
const done = (unit: string, method: string) => `Unit ${unit} ${method} operation result: done\n`;
const openly =
  "Links without TLS are allowed: who reaches the controller's port can pose as a node; 'bluechictl cluster init' ends that.";
const defaultLink = `${folder}/default.target`;
/** Keeps an inactive unit loaded. */
const hold = "systemctl start holds.service";

/** A call that fails on every node that is offline, and on one that nobody knows. */
const unreachable = (line: (node: string) => string, prefix = `${call}: `): Case[] => [
  { line: line("gone"), stderr: `${prefix}${offline}\n`, status: 1 },
  { line: line("no"), stderr: `${prefix}${unknown}\n`, status: 1 },
];

const unfreezable = (verb: string, unit: string, before?: string): Case => ({
  line: `${verb} pi ${unit}`,
  stderr: `${call}: Unit '${unit}' does not support freezing.\n`,
  status: 1,
  ...(before === undefined ? {} : { before }),
});

/** Units are frozen by cgroup v2 alone: beside v1 systemd refuses it, and bluechictl says so. */
const freezing: Record<Hierarchy, Case[]> = {
  unified: [
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
    { line: "freeze pi idle.service", before: hold, stderr: `${call}: ${said.inactive}\n`, status: 1 },
  ],
  hybrid: [
    unfreezable("freeze", "one.service"),
    unfreezable("thaw", "one.service"),
    unfreezable("freeze", "idle.service", hold),
  ],
};

/** What is said of a command line that cannot be right. */
function misused(what: string, usage: string): string {
  return `${what}\nUsage: bluechictl ${usage} [OPTION]...\n`;
}

function cases(hierarchy: Hierarchy, { main, pi }: Record<"main" | "pi", Host>, rescue: string): Case[] {
  return [
    // Arguments, which are looked at before anything is asked of the bus.
    { line: "start pi", stderr: misused("Too few arguments for method start", "start NODE UNIT"), status: 1 },
    {
      line: "start pi one.service two.service",
      stderr: misused("Too many arguments for method start", "start NODE UNIT"),
      status: 1,
    },
    {
      line: "start pi one.service --force",
      stderr: misused("Unsupported option 'force' for method 'start'", "start NODE UNIT"),
      status: 1,
    },
    {
      line: "disable pi one.service --runtime",
      stderr: misused("Unsupported option 'runtime' for method 'disable'", "disable NODE UNIT..."),
      status: 1,
    },
    {
      line: "metrics",
      stderr: misused("Too few arguments for method metrics", "metrics enable|disable|listen"),
      status: 1,
    },
    { line: "metrics often", stderr: "Unknown metrics command: often\n", status: 1 },
    { line: "version pi", stderr: misused("Too many arguments for method version", "version"), status: 1 },
    // Jobs.
    { line: "start pi one.service", stdout: done("one.service", "StartUnit") },
    { line: "start pi fails.service", stdout: "Unit fails.service StartUnit operation result: failed\n", status: 1 },
    {
      line: "start pi fails.service",
      stdout: "Unit fails.service StartUnit operation result: failed\n",
      compatible: true,
    },
    { line: "start pi unmet.service", stdout: "Unit unmet.service StartUnit operation result: assert\n", status: 1 },
    { line: "reload pi idle.service", stdout: "Unit idle.service ReloadUnit operation result: invalid\n", status: 1 },
    {
      line: "reload pi idle.service",
      stdout: "Unit idle.service ReloadUnit operation result: invalid\n",
      compatible: true,
    },
    { line: "start pi masked.service", stderr: `${call}: Unit masked.service is masked.\n`, status: 1 },
    ...["start", "stop", "restart", "reload"].flatMap((verb) => unreachable((node) => `${verb} ${node} one.service`)),
    // Freezing.
    ...freezing[hierarchy],
    { line: "freeze pi two.service", stderr: `${call}: Unit two.service not loaded.\n`, status: 1 },
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
      stderr: `Failed to issue call: ${said.exists(`${folder}/nick.service`, `${folder}/named.service`)}\nFailed to enable the units on node [pi] - File exists\n`,
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
      stderr: `Failed to issue call: ${said.maskedFile(`${folder}/masked.service`)}\nFailed to enable the units on node [pi] - Operation not possible due to RF-kill\n`,
      status: 1,
    },
    ...["enable", "disable"].flatMap((verb) =>
      (
        [
          ["pi", "no-such.service", said.noFile("no-such.service"), noFile],
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
    {
      line: "set-default pi one.service",
      stderr: "Error: Unit 'one.service' is not a target unit\n",
      compatible: true,
    },
    { line: "set-default pi no-such.target", stderr: `${call}: ${said.noFile("no-such.target")}\n`, status: 1 },
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
    { line: "set-loglevel debug", stderr: `${call}: Invalid input for log level\n`, status: 1, compatible: true },
    { line: "set-loglevel LOUD", stderr: `${call}: Invalid input for log level\n`, status: 1, compatible: true },
    ...unreachable((node) => `set-loglevel ${node} DEBUG`),
    // Lists.
    ...["list-units", "list-unit-files"].flatMap((verb) => unreachable((node) => `${verb} ${node}`)),
    // Nodes and units.
    { line: "status", stdout: nodesHead + onlineRow(main) + onlineRow(pi) + goneRow, stderr: `${openly}\n` },
    { line: "status", compatible: true, stdout: nodesHead + onlineRow(main) + onlineRow(pi) + goneRow },
    { line: "status pi", stdout: nodesHead + onlineRow(pi) },
    { line: "status gone", stdout: nodesHead + goneRow },
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
}

/** Runs all commands on hosts whose control groups are of one kind. */
export async function testCommands(hierarchy: Hierarchy): Promise<void> {
  if (!hostHierarchies().includes(hierarchy)) {
    testHere.skip(
      `bluechictl on hosts with ${hierarchy} control groups: this machine cannot give its hosts such`,
      () => {},
    );
    return;
  }
  const unified = hierarchy === "unified";
  const cluster = await Cluster.start(["main", "pi"], { unified, controller: "[node gone]\nAllowed=true" });
  afterAll(() => cluster.close());
  const test = testsOn(cluster.lab);
  const [main, pi] = [cluster.main, cluster.host("pi")];
  await prepare(pi);
  const rescue = (await pi.sh("systemctl show -P FragmentPath rescue.target")).trim();

  test(`the hosts have ${hierarchy} control groups`, async () => {
    expect(await pi.sh("stat -fc %T /sys/fs/cgroup")).toBe(unified ? "cgroup2fs\n" : "tmpfs\n");
  });

  for (const { line, stdout = "", stderr = "", status = 0, compatible = false, before } of cases(
    hierarchy,
    { main, pi },
    rescue,
  )) {
    test(`bluechictl ${line}${compatible ? " as the original" : ""}`, async () => {
      if (before !== undefined) await pi.sh(before);
      const env = compatible ? { BLUECHI_COMPAT: "1" } : {};
      expect(await main.run(["bluechictl", ...line.split(" ")], { env })).toEqual({ stdout, stderr, status });
    });
  }
}
