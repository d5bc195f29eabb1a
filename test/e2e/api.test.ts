// The D-Bus API against systemd itself: what the controller says of a node is what that node's systemd says.
import { afterAll, beforeAll, expect } from "bun:test";
import { controllerName, metricsPath, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { ErrorName, type Failure } from "../../src/base/failure.ts";
import type { Variant } from "../../src/base/signature.ts";
import { signatureOf } from "../../src/bus/interface.ts";
import { decodeBody, decodeFirst } from "../../src/bus/unmarshal.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program, refusal } from "./program.ts";
import { said } from "./said.ts";

const cluster = await Cluster.start(["main", "pi"], { unified: true, controller: "[node gone]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

const systemdName = "org.freedesktop.systemd1";
const systemdPath = "/org/freedesktop/systemd1";
const properties = "org.freedesktop.DBus.Properties";
const sleeper = "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n";

type Row = readonly [name: string, ...rest: unknown[]];
type Properties = Map<string, Variant>;

let program: Program;
/** A program on the other host's bus, which asks systemd itself. */
let local: Program;

beforeAll(async () => {
  program = await Program.on(main, { listen: true });
  local = await Program.on(pi);
  await pi.write("/etc/systemd/system/api.service", `[Unit]\nAfter=api-failing.service\n${sleeper}`);
  await pi.write("/etc/systemd/system/api-failing.service", "[Service]\nType=oneshot\nExecStart=false\n");
  await pi.write("/etc/systemd/system/api-direct.service", sleeper);
  await pi.sh("systemctl daemon-reload && systemctl start api.service api-direct.service");
});

afterAll(async () => {
  program.close();
  local.close();
  await cluster.close();
});

const node = () => program.node("pi");
const manager = async (method: string, signature = "", ...args: unknown[]) =>
  decodeBody((await local.call(systemdName, systemdPath, `${systemdName}.Manager.${method}`, signature, ...args)).body);
const objectOf = async (unit: string) => String((await manager("LoadUnit", "s", unit))[0]);
const ask = async (path: string, interfaceName: string) =>
  decodeFirst((await local.call(systemdName, path, `${properties}.GetAll`, "s", interfaceName)).body) as Properties;

/** Reads until our answer is what systemd says just before or just after it: a few things change all the time. */
async function same(what: string, ours: () => Promise<unknown>, theirs: () => Promise<unknown>): Promise<void> {
  await pi.until(`${what} to be as systemd says`, async () => {
    const before = await theirs();
    const answer = await ours();
    if (Bun.deepEquals(answer, before, true)) return true;
    const after = await theirs();
    if (!isBetween(before, answer, after)) expect(answer).toEqual(after);
    return true;
  });
}

/** Whether a value is one of two others, or, for what is counted, between them; of properties each by itself. */
function isBetween(before: unknown, value: unknown, after: unknown): boolean {
  if (Bun.deepEquals(value, before, true) || Bun.deepEquals(value, after, true)) return true;
  if (typeof value === "bigint") return value >= (before as bigint) && value <= (after as bigint);
  if (value instanceof Map && before instanceof Map && after instanceof Map) {
    const all = new Set([...value.keys(), ...before.keys(), ...after.keys()]);
    return [...all].every((key) => isBetween(before.get(key), value.get(key), after.get(key)));
  }
  const [first, own, last] = [before, value, after] as (Variant | undefined)[];
  if (!first || !own || !last || first.signature !== own.signature) return false;
  return typeof own.value === "bigint" && isBetween(first.value, own.value, last.value);
}

test("the properties of every unit are systemd's", async () => {
  const [units] = (await manager("ListUnits")) as [Row[]];
  expect(units.length).toBeGreaterThan(50);
  for (const [unit, , , , , , path] of units) {
    await same(
      unit,
      async () => (await node().call("GetUnitProperties", { name: unit, interface: "" })).props,
      () => ask(String(path), ""),
    );
  }
});

test("so are those of one interface, and each by itself", async () => {
  const path = await objectOf("api.service");
  for (const part of ["Unit", "Service"]) {
    const interfaceName = `${systemdName}.${part}`;
    const name = "api.service";
    const all = async () => (await node().call("GetUnitProperties", { name, interface: interfaceName })).props;
    await same(interfaceName, all, () => ask(path, interfaceName));
    for (const property of (await all()).keys()) {
      await same(
        property,
        async () => (await node().call("GetUnitProperty", { name, interface: interfaceName, property })).value,
        async () =>
          decodeFirst((await local.call(systemdName, path, `${properties}.Get`, "ss", interfaceName, property)).body),
      );
    }
  }
});

test("what systemd refuses to tell is refused in its words", async () => {
  const path = await objectOf("api.service");
  for (const [interfaceName, property] of [
    [`${systemdName}.Unit`, "NoSuchProperty"],
    [`${systemdName}.NoSuchInterface`, "Id"],
  ] as const) {
    expect(
      await refusal(node().call("GetUnitProperty", { name: "api.service", interface: interfaceName, property })),
    ).toBe(await refusal(local.call(systemdName, path, `${properties}.Get`, "ss", interfaceName, property)));
  }
  expect(await refusal(node().call("GetUnitProperties", { name: "api.service", interface: "org.no.Such" }))).toBe(
    await refusal(ask(path, "org.no.Such")),
  );
  expect(await refusal(node().call("GetUnitProperties", { name: "no such", interface: "" }))).toBe(
    await refusal(ask(`${systemdPath}/unit/no_20such`, "")),
  );
  const missing = await node().call("GetUnitProperties", { name: "no-such.service", interface: "" });
  expect(missing.props.get("LoadState")).toEqual({ signature: "s", value: "not-found" });
});

test("units and unit files are listed as systemctl lists them", async () => {
  const sorted = (rows: readonly unknown[]) => (rows as Row[]).toSorted(([a], [b]) => (a < b ? -1 : 1));
  for (const [method, key] of [
    ["ListUnits", "units"],
    ["ListUnitFiles", "unitfiles"],
  ] as const) {
    const theirs = async () => sorted((await manager(method))[0] as Row[]);
    await same(
      method,
      async () => {
        const answer: Record<string, readonly unknown[]> = await node().call(method, {});
        return sorted(answer[key] ?? []);
      },
      theirs,
    );
    await same(
      `${method} of all nodes`,
      async () => {
        const answer: Record<string, ReadonlyMap<string, readonly unknown[]>> = await program.controller.call(
          method,
          {},
        );
        expect([...(answer[key]?.keys() ?? [])].sort()).toEqual(["main", "pi"]);
        return sorted(answer[key]?.get("pi") ?? []);
      },
      theirs,
    );
  }
});

/** The cells of the rows of a table of bluechictl. */
async function table(...argv: string[]): Promise<string[][]> {
  const { status, stdout, stderr } = await cluster.ctl(...argv);
  expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
  const [, , ...rows] = stdout.trimEnd().split("\n");
  return rows.map((row) => row.split(" | ").map((cell) => cell.trim())).sort();
}

test("bluechictl lists what systemctl lists, item by item", async () => {
  const list = async (command: string) =>
    (await pi.sh(`systemctl ${command} --plain --no-legend --full`))
      .trimEnd()
      .split("\n")
      .map((row) => row.split(/\s+/));
  await same(
    "list-units",
    () => table("list-units", "pi"),
    async () =>
      (await list("list-units --all"))
        .map(([unit, , active, sub]) => ["pi", unit ?? "", active ?? "", sub ?? ""])
        .sort(),
  );
  await same(
    "list-unit-files",
    async () =>
      (await table("list-unit-files", "pi"))
        .map(([, path, state]) => [path?.split("/").at(-1), state].join(" "))
        .sort(),
    async () => (await list("list-unit-files")).map(([file, state]) => `${file} ${state}`).sort(),
  );
  expect(await table("list-units", "pi", "--filter=api.*")).toEqual([["pi", "api.service", "active", "running"]]);
});

test("bluechictl status of units is laid out in tabs as before, and knows what is missing", async () => {
  const { status, stdout, stderr } = await cluster.ctl("status", "pi", "api.service", "no-such.service");
  expect({ status, stderr }).toEqual({ status: 0, stderr: "Unit no-such.service could not be found.\n" });
  expect(stdout).toBe(
    `UNIT\t\t| LOADED\t| ACTIVE\t| SUBSTATE\t| FREEZERSTATE\t| ENABLED\t|\n${"-".repeat(96)}\n` +
      "api.service\t| loaded\t| active\t| running\t| running\t| disabled\t|\n",
  );
});

for (const [name, signature, value] of [
  ["Description", "s", "Set by a test: grün"],
  ["CPUAccounting", "b", true],
  ["CPUQuotaPerSecUSec", "t", 250_000n],
  ["TasksMax", "t", 0xffff_ffff_ffff_ffffn],
  ["MemoryMaxScale", "u", 0x7fff_ffff],
  [
    "DeviceAllow",
    "a(ss)",
    [
      ["/dev/null", "rw"],
      ["/dev/zero", "r"],
    ],
  ],
  ["IPAddressDeny", "a(iayu)", [[2, new Uint8Array([10, 9, 8, 0]), 24]]],
  ["AllowedCPUs", "ay", new Uint8Array([1])],
  ["TasksMax", "d", 3.5],
  ["NoSuchProperty", "s", "x"],
] as const) {
  test(`${name} is set with type ${signature} as systemd sets it`, async () => {
    const keyvalues: [string, Variant][] = [[name, { signature, value }]];
    const outcome = async (unit: string, set: () => Promise<unknown>) => {
      const refused = await set().then(
        () => "",
        (failure: Failure) => `${failure.errorName}: ${failure.message}`,
      );
      return [refused, (await ask(await objectOf(unit), "")).get(name)];
    };
    const call = () => node().call("SetUnitProperties", { name: "api.service", runtime: true, keyvalues });
    const direct = () => manager("SetUnitProperties", "sba(sv)", "api-direct.service", true, keyvalues);
    expect(await outcome("api.service", call)).toEqual(await outcome("api-direct.service", direct));
  });
}

test("a transient unit is started", async () => {
  const text = (value: string): Variant => ({ signature: "s", value });
  const start = { signature: "a(sasb)", value: [["/bin/sleep", ["sleep", "infinity"], false]] };
  const props: [string, Variant][] = [
    ["Description", text("Made by a test")],
    ["ExecStart", start],
  ];
  const { job } = await node().call("StartTransientUnit", { name: "made.service", mode: "fail", props, aux: [] });
  expect(job).toMatch(/^\/org\/freedesktop\/systemd1\/job\/\d+$/);
  await cluster.reaches("pi", "made.service", "active");
  expect(await pi.sh("systemctl show -P Description made.service")).toBe("Made by a test\n");
  const again = node().call("StartTransientUnit", { name: "made.service", mode: "fail", props, aux: [] });
  expect(await refusal(again)).toStartWith(`${systemdName}.UnitExists: `);
});

test("signals reach the processes of a unit", async () => {
  const pid = () => pi.sh("systemctl show -P MainPID api.service");
  const before = await pid();
  expect(await cluster.ctl("kill", "pi", "api.service", "--signal=9")).toEqual({ status: 0, stdout: "", stderr: "" });
  await cluster.reaches("pi", "api.service", "failed");
  expect(await pi.sh("systemctl show -P ExecMainStatus api.service")).toBe("9\n");
  expect((await cluster.ctl("reset-failed", "pi", "api.service")).stdout).toBe("1 api.service\n");
  await cluster.reaches("pi", "api.service", "inactive");
  expect((await cluster.ctl("start", "pi", "api.service")).status).toBe(0);
  expect(await pid()).not.toBe(before);
  expect((await cluster.ctl("kill", "pi", "no-such.service")).stderr).toBe(
    "Failed to issue method call for KillUnit: Unit no-such.service not loaded.\n",
  );
});

test("units are enabled and disabled", async () => {
  const link = "/etc/systemd/system/multi-user.target.wants/api.service";
  const isEnabled = () => cluster.ctl("is-enabled", "pi", "api.service");
  expect(await isEnabled()).toEqual({ status: 1, stdout: "disabled\n", stderr: "" });
  expect(await cluster.ctl("enable", "pi", "api.service")).toEqual({
    status: 0,
    stdout: "",
    stderr: `The unit files included enablement information\nCreated symlink ${link} -> /etc/systemd/system/api.service\n`,
  });
  expect(await isEnabled()).toEqual({ status: 0, stdout: "enabled\n", stderr: "" });
  expect(await pi.sh("systemctl is-enabled api.service")).toBe("enabled\n");
  expect(await cluster.ctl("disable", "pi", "api.service")).toEqual({
    status: 0,
    stdout: "",
    stderr: `Removed "${link}".\n`,
  });
  expect(await isEnabled()).toEqual({ status: 1, stdout: "disabled\n", stderr: "" });
  expect(await cluster.ctl("enable", "pi", "api-failing.service", "--runtime", "--no-reload")).toEqual({
    status: 0,
    stdout: "",
    stderr: "The unit files did not include any enablement information\n",
  });
  const missing = await cluster.ctl("enable", "pi", "no-such.service");
  expect(missing).toEqual({
    status: 1,
    stdout: "",
    stderr:
      `Failed to issue call: ${said.noFile("no-such.service")}\n` +
      "Failed to enable the units on node [pi] - No such file or directory\n",
  });
  expect(await cluster.ctl("is-enabled", "pi", "no-such.service")).toEqual({
    status: 1,
    stdout: "",
    stderr: "Failed to issue method call: No such file or directory\n",
  });
});

test("the default target is told and set", async () => {
  const before = await pi.sh("systemctl get-default");
  expect(await cluster.ctl("get-default", "pi")).toEqual({ status: 0, stdout: before, stderr: "" });
  const link = "/etc/systemd/system/default.target";
  expect((await cluster.ctl("set-default", "pi", "rescue.target")).stdout).toMatch(
    new RegExp(`^\\[(\\(unlink ${link} \\),)?\\(symlink ${link} \\S+/rescue.target\\),\\]\n$`),
  );
  expect(await pi.sh("systemctl get-default")).toBe("rescue.target\n");
  expect((await cluster.ctl("set-default", "pi", "api.service")).status).toBe(1);
  expect((await cluster.ctl("set-default", "pi", before.trim())).status).toBe(0);
  expect(await pi.sh("systemctl get-default")).toBe(before);
});

test("failures are reset: of one unit, of a node, of all nodes", async () => {
  await pi.run(["systemctl", "start", "api-failing.service"]);
  expect(await cluster.state("pi", "api-failing.service")).toBe("failed");
  expect(await cluster.ctl("reset-failed", "pi")).toEqual({ status: 0, stdout: "", stderr: "" });
  await cluster.reaches("pi", "api-failing.service", "inactive");
  await pi.run(["systemctl", "start", "api-failing.service"]);
  expect(await cluster.ctl("reset-failed")).toEqual({
    status: 1,
    stdout: "",
    stderr: "Couldn't reset failed state of all units on node 'gone': Node is offline\n",
  });
  await cluster.reaches("pi", "api-failing.service", "inactive");
  expect((await cluster.ctl("reset-failed", "pi", "no-such.service")).stderr).toBe(
    "Failed to issue method call: Unit no-such.service not loaded.\n",
  );
});

test("daemon-reload makes systemd read its units again", async () => {
  await pi.write("/etc/systemd/system/api-new.service", `[Unit]\nDescription=Before\n${sleeper}`);
  await pi.sh("systemctl start api-new.service");
  await pi.write("/etc/systemd/system/api-new.service", `[Unit]\nDescription=After\n${sleeper}`);
  expect(await cluster.ctl("daemon-reload", "pi")).toEqual({ status: 0, stdout: "", stderr: "" });
  expect(await pi.sh("systemctl show -P Description api-new.service")).toBe("After\n");
});

test("units are frozen and thawed", async () => {
  const state = () => pi.sh("systemctl show -P FreezerState api.service");
  expect(await cluster.ctl("freeze", "pi", "api.service")).toEqual({
    status: 0,
    stdout: "Unit api.service freeze operation done\n",
    stderr: "",
  });
  expect(await state()).toBe("frozen\n");
  expect((await cluster.ctl("status", "pi", "api.service")).stdout).toContain("| frozen\t|");
  expect((await cluster.ctl("thaw", "pi", "api.service")).status).toBe(0);
  expect(await state()).toBe("running\n");
  expect(await cluster.ctl("freeze", "pi", "api-failing.service")).toEqual({
    status: 1,
    stdout: "",
    stderr: `Failed to issue method call: ${said.inactive}\n`,
  });
});

test("a node's properties", async () => {
  expect(await node().getAll()).toEqual({ Name: "pi", Status: "online" });
  expect(await node().get("PeerIp")).toEndWith(pi.address);
  const seen = Number((await node().get("LastSeenTimestamp")) / 1000n);
  expect(Math.abs(Date.now() - seen)).toBeLessThan(60_000);
  expect(await node().get("LastSeenTimestampMonotonic")).toBeGreaterThan(0n);
  const gone = program.node("gone");
  expect(await gone.getAll()).toEqual({ Name: "gone", Status: "offline" });
  expect([await gone.get("PeerIp"), await gone.get("LastSeenTimestamp")]).toEqual(["", 0n]);
  expect(await program.controller.getAll()).toEqual({ LogTarget: "journald", Status: "degraded" });
  expect(await program.controller.get("LogLevel")).toBe("DEBUG");
  expect((await program.controller.call("ListNodes", {})).nodes).toEqual([
    ["main", nodePath("main"), "online", expect.stringContaining(main.address)],
    ["pi", nodePath("pi"), "online", expect.stringContaining(pi.address)],
    ["gone", nodePath("gone"), "offline", ""],
  ] as never);
});

test("a heartbeat is seen in the time that a node was last seen", async () => {
  const before = await node().get("LastSeenTimestampMonotonic");
  await pi.until("the next heartbeat", async () => (await node().get("LastSeenTimestampMonotonic")) > before);
});

test("what is not there is an unknown object, method or node", async () => {
  for (const path of [nodePath("nowhere"), `${rootPath}/job/77`, `${rootPath}/monitor/77`, metricsPath]) {
    expect(await refusal(program.call(controllerName, path, `${properties}.GetAll`, "s", ""))).toBe(
      `${ErrorName.UnknownObject}: Unknown object '${path}'.`,
    );
  }
  expect(await refusal(program.controller.call("GetNode", { name: "nowhere" }))).toBe(
    `${ErrorName.ServiceUnknown}: Node not found`,
  );
  expect((await program.controller.call("GetNode", { name: "gone" })).path).toBe(nodePath("gone"));
  expect(await refusal(program.controller.call("SetLogLevel", { loglevel: "loud" }))).toBe(
    `${ErrorName.InvalidArgs}: Invalid input for log level`,
  );
});

test("of a node that is offline every method is refused, and nothing else", async () => {
  const zeros: Record<string, unknown> = { s: "x.service", b: false, i: 9, as: [], "a(sv)": [], "a(sa(sv))": [] };
  for (const [method, { in: input }] of Object.entries(nodeInterface.methods)) {
    const args = Object.values(input).map((type) => zeros[type]);
    const call = program.call(
      controllerName,
      nodePath("gone"),
      `${nodeInterface.name}.${method}`,
      signatureOf(input),
      ...args,
    );
    expect(`${method}: ${await refusal(call)}`).toBe(`${method}: org.eclipse.bluechi.Offline: Node is offline`);
  }
});

test("metrics are measured while they are on, and shown by bluechictl", async () => {
  await cluster.ctl("stop", "pi", "api.service");
  expect(await cluster.ctl("metrics", "enable")).toEqual({ status: 0, stdout: "Done\n", stderr: "" });
  expect((await cluster.ctl("metrics", "enable")).stderr).toBe(
    "Failed to issue method call: Metrics already enabled\n",
  );
  const listening = main.spawn(["bluechictl", "metrics", "listen"]);
  expect(await listening.line(/./)).toBe("Waiting for metrics signals...");
  expect((await cluster.ctl("start", "pi", "api.service")).status).toBe(0);
  const milliseconds = String.raw`\d+\.\dms`;
  for (const pattern of [
    `^\\[pi\\] Agent systemd StartUnit job on api.service net measured time: ${milliseconds}$`,
    "^\\[pi\\] Job /org/eclipse/bluechi/job/\\d+ to start unit api.service:$",
    `^\\tBlueChi job gross measured time: ${milliseconds}$`,
    `^\\tUnit net start time \\(from properties\\): ${milliseconds}$`,
  ]) {
    expect(await listening.line(/./)).toMatch(new RegExp(pattern));
  }
  expect(await cluster.ctl("metrics", "disable")).toEqual({ status: 0, stdout: "Done\n", stderr: "" });
  expect((await cluster.ctl("metrics", "disable")).stderr).toBe(
    "Failed to issue method call: Metrics already disabled\n",
  );
});
