// Clients that nobody here wrote: busctl, gdbus, and programs in Python on dasbus and on dbus-python.
import { afterAll, beforeAll, beforeEach, expect } from "bun:test";
import { join } from "node:path";
import { agentInterface } from "../../src/api/agent.ts";
import { controllerInterface } from "../../src/api/controller.ts";
import { jobInterface } from "../../src/api/job.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { agentName, controllerName, metricsPath, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { ErrorName } from "../../src/base/failure.ts";
import { pathEncode } from "../../src/base/names.ts";
import { type Interface, signatureOf } from "../../src/bus/interface.ts";
import type { Outcome } from "../testbed/command.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"], { controller: "[node gone]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");

const systemdName = "org.freedesktop.systemd1";
const systemdPath = "/org/freedesktop/systemd1";
const properties = "org.freedesktop.DBus.Properties";
const pythons = ["dasbus", "dbus_python"] as const;

beforeAll(async () => {
  for (const file of ["walk.py", ...pythons.map((name) => `with_${name}.py`)]) {
    await main.write(`/root/clients/${file}`, await Bun.file(join(import.meta.dir, "clients", file)).text());
  }
  const folder = "/etc/systemd/system";
  await pi.write(`${folder}/walk.service`, "[Service]\nExecStart=sleep infinity\n");
  await pi.write(`${folder}/walk-holds.service`, "[Unit]\nAfter=walk.service\n[Service]\nExecStart=sleep infinity\n");
  await pi.write(
    `${folder}/walk-slow.service`,
    "[Service]\nType=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity\n",
  );
  await pi.sh("systemctl daemon-reload && systemctl start walk-holds.service");
});

beforeEach(() => pi.sh("systemctl stop walk.service walk-slow.service; systemctl reset-failed"));

afterAll(() => cluster.close());

const python = (client: string, ...args: string[]) =>
  main.run(["/usr/bin/python3", `/root/clients/with_${client}.py`, ...args]);
const busctl = (...args: string[]) => main.run(["busctl", "call", "--", controllerName, ...args]);
const gdbus = (path: string, method: string, ...args: string[]) =>
  main.run(
    ["gdbus", "call", "--system", "--dest", controllerName, "--object-path", path, "--method", method].concat(args),
  );

/** The lines of a client that ended well, with jobs and monitors by what they are instead of by their numbers. */
function said({ status, stdout, stderr }: Outcome): string[] {
  if (status !== 0) throw new Error(stdout + stderr);
  const numbered = stdout.replaceAll(/(\d+)(.* )\S+\/bluechi\/job\/\1\b/g, "ID$2JOB");
  return numbered
    .replaceAll(/\/org\/eclipse\/bluechi\/(job|monitor)\/\d+/g, (_, kind: string) => kind.toUpperCase())
    .replaceAll(/\/org\/freedesktop\/systemd1\/job\/\d+/g, "SYSTEMD-JOB")
    .trimEnd()
    .split("\n");
}

for (const client of pythons) {
  test(`${client}: a unit is started, read, set, made and stopped, while a monitor and its peer listen`, async () => {
    const lines = said(await python(client, "walk"));
    const peer = lines.filter((line) => line.startsWith("peer ")).map((line) => line.slice("peer ".length));
    const own = lines.filter((line) => !line.startsWith("peer "));
    const units = own.filter((line) => line.startsWith("Unit"));
    const gone = (what: string) => `gone ${ErrorName.UnknownObject}: Unknown object '${what}'.`;
    expect(own.filter((line) => !/^(Unit|Job|\w+Metrics)/.test(line))).toEqual([
      `node main ${nodePath("main")} online online`,
      `node pi ${nodePath("pi")} online online`,
      `node gone ${nodePath("gone")} offline offline`,
      "controller degraded DEBUG",
      gone(metricsPath),
      "start JOB",
      gone(metricsPath),
      "state s active",
      "command a(sasbttttuii) sleep infinity",
      "TasksMax t 321",
      "MemoryHigh t 1099511627776",
      "made SYSTEMD-JOB",
      "description s Made here",
      "stop JOB",
      "job ID pi walk-slow.service start JOB",
      gone("JOB"),
      gone("JOB"),
      "stop JOB",
      gone("MONITOR"),
      gone("MONITOR"),
    ]);
    expect(own.filter((line) => /^\w+Metrics/.test(line))).toEqual([
      "AgentJobMetrics pi walk.service StartUnit True",
      "StartUnitJobMetrics pi JOB walk.service True True",
    ]);
    expect(own.filter((line) => line.startsWith("Job"))).toEqual(
      ["walk.service done", "walk-made.service done", "walk-slow.service canceled", "walk.service done"].flatMap(
        (end) => ["JobNew ID JOB", `JobRemoved ID JOB pi ${end}`],
      ),
    );
    const changes = units.filter((line) => !/^UnitPropertiesChanged|deactivating/.test(line));
    // A unit that is not started at once is told to be inactive before.
    const idle = changes.indexOf("UnitNew pi walk-made.service real") + 1;
    if (changes[idle]?.includes("inactive")) changes.splice(idle, 1);
    expect(changes).toEqual([
      "UnitNew pi walk.service virtual",
      "UnitStateChanged pi walk.service inactive dead virtual",
      "UnitStateChanged pi walk.service active running real",
      "UnitNew pi walk-made.service real",
      "UnitStateChanged pi walk-made.service active running real",
      "UnitStateChanged pi walk-made.service inactive dead real",
      "UnitRemoved pi walk-made.service real",
    ]);
    for (const state of ["walk.service", "walk-made.service"])
      expect(units).toContain(`UnitPropertiesChanged pi ${state} ${systemdName}.Unit active`);
    expect(peer).toEqual([...units, "PeerRemoved monitor closed"]);
  });
}

for (const client of pythons) {
  test(`${client} hears a node and the controller go and come, and its proxies serve on`, async () => {
    const watching = main.spawn(["/usr/bin/python3", `/root/clients/with_${client}.py`, "watch"]);
    await watching.line(/^watching$/);
    await pi.sh("systemctl stop bluechi-agent");
    await watching.line(/^pi offline$/);
    await pi.sh("systemctl start bluechi-agent");
    await watching.line(/^pi online$/);
    await main.sh("systemctl restart bluechi-controller");
    await watching.line(/^controller down$/);
    await watching.line(/^pi online$/);
    expect(await watching.line(/^status /)).toBe(`status online ${nodePath("pi")}`);
    expect(await watching.line(/^gone /)).toStartWith(
      `gone ${ErrorName.UnknownObject}: Unknown object '${rootPath}/monitor/`,
    );
    expect(await watching.exited).toBe(0);
    for (const name of ["main", "pi"]) await cluster.online(name);
  });
}

test("gdbus listens as a peer, busctl to the whole bus, and both call", async () => {
  const program = await Program.on(main);
  const { path } = await program.monitor();
  const everything = main.spawn(["busctl", "monitor", "--json=short", controllerName]);
  // From 257 on it does not say when it has begun.
  await main.until("busctl to hear something", async () => {
    await busctl(rootPath, "org.freedesktop.DBus.Peer", "Ping");
    return everything.lines.some((line) => line.includes('"member":"Ping"'));
  });
  const listener = main.spawn(["gdbus", "monitor", "--system", "--dest", controllerName]);
  await listener.line("is owned by");
  const peer = (await main.sh(`busctl list --unique --no-legend | awk '$3 == "gdbus" { print $1 }'`)).trim();
  expect((await gdbus(path, `${monitorInterface.name}.AddPeer`, peer)).stdout).toMatch(/^\(uint32 \d+,\)\n$/);
  expect((await busctl(path, monitorInterface.name, "Subscribe", "ss", "pi", "walk.service")).stdout).toMatch(
    /^u \d+\n$/,
  );
  const monitored = (signal: string, ...args: string[]) =>
    `${path}: ${monitorInterface.name}.${signal} (${args.map((text) => `'${text}'`).join(", ")})`;
  const hears = (...texts: string[]) =>
    main.until(`gdbus to hear ${texts}`, () => texts.every((text) => listener.lines.includes(text)));
  await hears(
    monitored("UnitNew", "pi", "walk.service", "virtual"),
    monitored("UnitStateChanged", "pi", "walk.service", "inactive", "dead", "virtual"),
  );
  const { stdout } = await busctl(nodePath("pi"), nodeInterface.name, "StartUnit", "ss", "walk.service", "replace");
  const job = /^o "(.*)"\n$/.exec(stdout)?.[1] ?? "";
  const id = Number(job.split("/").at(-1));
  await hears(
    `${rootPath}: ${controllerInterface.name}.JobNew (uint32 ${id}, objectpath '${job}')`,
    monitored("UnitStateChanged", "pi", "walk.service", "active", "running", "real"),
    `${rootPath}: ${controllerInterface.name}.JobRemoved (uint32 ${id}, objectpath '${job}', 'pi', 'walk.service', 'done')`,
  );
  const payloads = [
    `{"type":"o","data":["${job}"]}`,
    `{"type":"uo","data":[${id},"${job}"]}`,
    `{"type":"uosss","data":[${id},"${job}","pi","walk.service","done"]}`,
    '{"type":"sss","data":["pi","walk.service","virtual"]}',
    '{"type":"sssss","data":["pi","walk.service","active","running","real"]}',
  ];
  await main.until(`busctl to hear ${payloads}`, () =>
    payloads.every((payload) => everything.lines.some((line) => line.includes(`"payload":${payload}`))),
  );
  program.close();
  await hears(`${path}: ${monitorInterface.name}.PeerRemoved ('monitor closed',)`);
  await Promise.all([everything.close(), listener.close()]);
});

test("gdbus and busctl read properties and set them", async () => {
  const get = (interfaceName: string, name: string) =>
    gdbus(nodePath("pi"), `${nodeInterface.name}.GetUnitProperty`, "walk-holds.service", interfaceName, name);
  expect((await get(`${systemdName}.Unit`, "After")).stdout).toMatch(/^\(<\[.*'walk.service'.*\]>,\)\n$/);
  expect((await get(`${systemdName}.Service`, "ExecStart")).stdout).toMatch(
    /^\(<\[\('sleep', \['sleep', 'infinity'\], false, uint64 \d+, uint64 \d+, uint64 0, uint64 0, uint32 \d+, 0, 0\)\]>,\)\n$/,
  );
  const limit = async () => (await get(`${systemdName}.Service`, "TasksMax")).stdout;
  const set = await gdbus(
    nodePath("pi"),
    `${nodeInterface.name}.SetUnitProperties`,
    "walk-holds.service",
    "true",
    "[('TasksMax', <uint64 77>)]",
  );
  expect([set.stdout, await limit()]).toEqual(["()\n", "(<uint64 77>,)\n"]);
  const again = ["SetUnitProperties", "sba(sv)", "walk-holds.service", "true", "1", "TasksMax", "t"];
  await busctl(nodePath("pi"), nodeInterface.name, ...again, "18446744073709551615");
  expect(await limit()).toBe("(<uint64 18446744073709551615>,)\n");
  expect((await gdbus(rootPath, `${properties}.GetAll`, controllerInterface.name)).stdout).toBe(
    "({'LogTarget': <'journald'>, 'Status': <'degraded'>},)\n",
  );
  const read = (path: string, table: Interface, name: string) =>
    main.sh(`busctl get-property ${controllerName} ${path} ${table.name} ${name}`);
  expect(await read(rootPath, controllerInterface, "LogLevel")).toBe('s "DEBUG"\n');
  expect(await read(nodePath("gone"), nodeInterface, "Status")).toBe('s "offline"\n');
  expect(await read(nodePath("gone"), nodeInterface, "LastSeenTimestamp")).toBe("t 0\n");
});

test("every property is what introspection says, and refuses to be set", async () => {
  const program = await Program.on(main);
  const { job } = await program.node("pi").call("StartUnit", { name: "walk-slow.service", mode: "replace" });
  for (const [name, table, ...paths] of [
    [controllerName, controllerInterface, rootPath],
    [controllerName, nodeInterface, nodePath("pi"), nodePath("gone")],
    [controllerName, jobInterface, job],
    [agentName, agentInterface, rootPath],
  ] as const) {
    const expected = paths.flatMap((path) =>
      Object.entries<Interface["properties"][string]>(table.properties).map(([property, { type, emits }]) => {
        const readBy = emits === "explicit" ? "Get" : "GetAll";
        return `${path} ${property} ${type} ${readBy} ${ErrorName.PropertyReadOnly}: Property '${property}' is not writable.`;
      }),
    );
    for (const client of pythons) {
      const outcome = await python(client, "properties", name, table.name, ...paths);
      expect(outcome).toEqual({ status: 0, stdout: `${expected.join("\n")}\n`, stderr: "" });
    }
  }
  const set = ["set-property", controllerName, nodePath("pi"), nodeInterface.name, "Status", "s", "offline"];
  expect((await main.run(["busctl", ...set])).stderr).toContain("Property 'Status' is not writable.\n");
  const gdbusSet = await gdbus(nodePath("pi"), `${properties}.Set`, nodeInterface.name, "Status", "<'offline'>");
  expect(gdbusSet.stderr).toBe(
    `Error: GDBus.Error:${ErrorName.PropertyReadOnly}: Property 'Status' is not writable.\n`,
  );
  program.close();
});

/** Where, the method with its arguments, and what it is refused with. */
const refusals = [
  [rootPath, "GetNode nowhere", `${ErrorName.ServiceUnknown}: Node not found`],
  [rootPath, "SetLogLevel loud", `${ErrorName.InvalidArgs}: Invalid input for log level`],
  [rootPath, "DisableMetrics", `${ErrorName.InconsistentMessage}: Metrics already disabled`],
  [nodePath("gone"), "ListUnits", `${ErrorName.Offline}: Node is offline`],
  [nodePath("pi"), "StartUnit no-such.service fail", `${systemdName}.NoSuchUnit: Unit no-such.service not found.`],
  [nodePath("pi"), "StopUnit walk.service bogus", `${ErrorName.InvalidArgs}: Job mode bogus invalid`],
  [
    nodePath("pi"),
    "ReloadUnit walk.service replace",
    `${systemdName}.JobTypeNotApplicable: Job type reload is not applicable for unit walk.service.`,
  ],
  [
    nodePath("pi"),
    `GetUnitProperty walk.service ${systemdName}.Unit Nope`,
    `${ErrorName.UnknownProperty}: Unknown interface ${systemdName}.Unit or property Nope.`,
  ],
  [
    nodePath("pi"),
    "GetUnitFileState no-such.service",
    "org.freedesktop.DBus.Error.FileNotFound: No such file or directory",
  ],
  ...[nodePath("nowhere"), metricsPath].map(
    (path) => [path, "Reload", `${ErrorName.UnknownObject}: Unknown object '${path}'.`] as const,
  ),
] as const;

const calls = refusals.map(([path, call, expected]) => {
  const [method = "", ...args] = call.split(" ");
  const table: Interface = path === rootPath ? controllerInterface : nodeInterface;
  return { path, table, method, args, expected };
});

for (const client of pythons) {
  test(`${client} tells refusals by name and text`, async () => {
    const rows = calls.map(({ path, table, method, args }) => [path, table.name, method, args]);
    expect(said(await python(client, "refusals", JSON.stringify(rows)))).toEqual(calls.map(({ expected }) => expected));
  });
}

test("gdbus tells refusals by name and text, busctl by text", async () => {
  for (const { path, table, method, args, expected } of calls) {
    const [name = ""] = expected.split(": ");
    const byName = await gdbus(path, `${table.name}.${method}`, ...args);
    // gdbus may add what arguments it knows of.
    expect(byName.stderr.split("\n")[0]).toBe(`Error: GDBus.Error:${expected}`);
    const byText = await busctl(path, table.name, method, signatureOf(table.methods[method]?.in ?? {}), ...args);
    expect(byText).toEqual({ status: 1, stdout: "", stderr: `Call failed: ${expected.slice(name.length + 2)}\n` });
  }
});

test("a unit that is made through the controller is the one that systemd makes itself", async () => {
  const values = [
    ["Description", "s", 'Ünï "text"'],
    ["ExecStart", "a(sasb)", 1, "/bin/sleep", 3, "sleep", "infinity", "a b", false],
    ["Environment", "as", 2, "A=1", "B=two words"],
    ["MemoryHigh", "t", "9223372036854775808"],
    ["CPUQuotaPerSecUSec", "t", 250000],
    ["Nice", "i", -5],
    ["UMask", "u", 23],
    ["SendSIGHUP", "b", true],
    ["StandardInputData", "ay", 3, 104, 105, 10],
    ["RestrictAddressFamilies", "(bas)", true, 1, "AF_UNIX"],
    ["BindReadOnlyPaths", "a(ssbt)", 1, "/usr", "/mnt", false, 16384],
    ["SetCredential", "a(say)", 1, "secret", 2, 1, 255],
    ["LogExtraFields", "aay", 1, 3, 65, 61, 66],
    ["IPAddressAllow", "a(iayu)", 1, 2, 4, 10, 0, 0, 0, 8],
  ];
  const timer = ["TimersMonotonic", "a(st)", 1, "OnActiveSec", "3600000000"];
  const start = (host: typeof pi, target: readonly string[], prefix: string) => {
    const auxiliary = [1, `${prefix}.service`, values.length, ...values.flat()];
    const words = [`${prefix}.timer`, "fail", 1, ...timer, ...auxiliary].map(String);
    return host.run(["busctl", "call", "--", ...target, "StartTransientUnit", "ssa(sv)a(sa(sv))", ...words]);
  };
  const file = (unit: string) => pi.read(`/run/systemd/transient/${unit}`);
  const manager = [systemdName, systemdPath, `${systemdName}.Manager`];
  const answer = { status: 0, stdout: expect.stringContaining(`o "${systemdPath}/job/`), stderr: "" };
  expect(await start(pi, manager, "direct")).toEqual(answer);
  expect(await start(main, [controllerName, nodePath("pi"), nodeInterface.name], "through")).toEqual(answer);
  expect(await file("direct.service")).toContain("SetCredential=secret:");
  for (const kind of ["service", "timer"]) expect(await file(`through.${kind}`)).toBe(await file(`direct.${kind}`));
  // A double is nothing that systemd wants, and it says so of one that it gets.
  const double = ["SetUnitProperties", "sba(sv)", "walk.service", "true", "1", "TasksMax", "d", "3.5"];
  expect((await busctl(nodePath("pi"), nodeInterface.name, ...double)).stderr).toBe(
    (await pi.run(["busctl", "call", ...manager, ...double])).stderr,
  );
});

/** Counters and times that go on by themselves. */
const moving = /("(?:\w+(?:NSec|Current|Available|Bytes|Packets|Operations)|Watchdog\w+)":\{"type":"t","data":)\d+/g;
const json = "busctl --json=short call";

test("the properties of every unit have systemd's types and values, as busctl reads them", async () => {
  const list = await pi.sh("systemctl list-units --all --plain --no-legend --full | cut -d ' ' -f 1");
  let units = list.trim().split("\n");
  expect(units.length).toBeGreaterThan(50);
  const eachOf = async (host: typeof pi, command: string, words: string[]) => {
    const { stdout } = await host.run(["bash", "-c", `for each; do ${command}; done`, "bash", ...words]);
    return stdout.trimEnd().replaceAll(moving, "$10").split("\n");
  };
  const types = new Set<string>();
  await pi.until("all units to be as systemd says", async () => {
    const paths = units.map((unit) => `${systemdPath}/unit/${pathEncode(unit)}`);
    const call = `${json} ${controllerName} ${nodePath("pi")} ${nodeInterface.name} GetUnitProperties`;
    const [theirs, ours] = await Promise.all([
      eachOf(pi, `${json} ${systemdName} "$each" ${properties} GetAll s ""`, paths),
      eachOf(main, `${call} ss -- "$each" ""`, units),
    ]);
    expect(ours.length).toBe(units.length);
    for (const [, type = ""] of ours.join("").matchAll(/"type":"([^"]+)"/g)) types.add(type);
    units = units.filter((_, index) => ours[index] !== theirs[index]);
    if (units.length > 0) throw new Error(units.join(" "));
    return true;
  });
  for (const type of ["b", "i", "q", "s", "t", "u", "as", "ay", "aay", "(ss)", "(uo)", "a(say)", "a(sasbttttuii)"])
    expect(types).toContain(type);
});
