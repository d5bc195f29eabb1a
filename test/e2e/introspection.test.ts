// Introspection, by which clients learn what there is: the tables of src/api, as systemd tells of its own objects.
import { afterAll, beforeAll, expect } from "bun:test";
import { agentInterface } from "../../src/api/agent.ts";
import { clusterInterface } from "../../src/api/cluster.ts";
import { controllerInterface } from "../../src/api/controller.ts";
import { jobInterface } from "../../src/api/job.ts";
import { metricsInterface } from "../../src/api/metrics.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { agentName, clusterPath, controllerName, metricsPath, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { type Arguments, type Interface, signatureOf } from "../../src/bus/interface.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";

const cluster = await Cluster.start(["main"], { controller: "[node gone]\nAllowed=true\n[node a-b]\nAllowed=true" });
const test = testsOn(cluster.lab);
const { main } = cluster;
const systemdName = "org.freedesktop.systemd1";

let program: Program;
let monitor: string;
let job: string;
/** The objects while there is one of each kind: bus name, path, what is served there. */
let objects: [name: string, path: string, table: Interface][];

beforeAll(async () => {
  await cluster.service("main", "slow.service", "Type=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity");
  program = await Program.on(main);
});

afterAll(async () => {
  program.close();
  await cluster.close();
});

const document = (name: string, path: string) => main.sh(`busctl introspect --xml-interface ${name} ${path}`);
const below = async (path: string) =>
  [...(await document(controllerName, path)).matchAll(/<node name="([^"]+)"/g)].map(([, name]) => name ?? "");
const last = (path: string) => path.split("/").at(-1) ?? "";

test("parents list their children as these come", async () => {
  expect(await below("/")).toEqual(["org"]);
  expect(await below("/org/eclipse")).toEqual(["bluechi"]);
  expect(await below(rootPath)).toEqual(["cluster", "node"]);
  expect(await below(`${rootPath}/node`)).toEqual(["a_2db", "gone", "main"]);
  ({ path: monitor } = await program.monitor());
  expect(await below(rootPath)).toEqual(["cluster", "monitor", "node"]);
  expect(await below(`${rootPath}/monitor`)).toEqual([last(monitor)]);
  ({ job } = await program.node("main").call("StartUnit", { name: "slow.service", mode: "replace" }));
  expect(await below(rootPath)).toEqual(["cluster", "job", "monitor", "node"]);
  expect(await below(`${rootPath}/job`)).toEqual([last(job)]);
  await program.controller.call("EnableMetrics", {});
  expect(await below(rootPath)).toEqual(["cluster", "job", "metrics", "monitor", "node"]);
  objects = [
    [controllerName, rootPath, controllerInterface],
    [controllerName, nodePath("main"), nodeInterface],
    [controllerName, nodePath("a-b"), nodeInterface],
    [controllerName, job, jobInterface],
    [controllerName, monitor, monitorInterface],
    [controllerName, metricsPath, metricsInterface],
    [controllerName, clusterPath, clusterInterface],
    [agentName, rootPath, agentInterface],
  ];
});

/** What of a table goes into introspection. */
const introspected = (table: Interface): Interface =>
  JSON.parse(JSON.stringify(table, (key, value) => (["help", "access"].includes(key) ? undefined : value)));

test("documents are what the tables say", async () => {
  for (const [name, path, table] of objects) {
    const xml = await document(name, path);
    const interfaces = [...xml.matchAll(/<interface name="([^"]+)"/g)].map(([, found]) => found ?? "");
    expect({ path, interfaces }).toEqual({ path, interfaces: [...standard, table.name] });
    expect(tableOf(xml, table.name)).toEqual(introspected(table));
  }
});

test("documents are as systemd's: beginning, standard interfaces, annotations", async () => {
  expect(await document(controllerName, "/")).toBe(await document(systemdName, "/"));
  const head = (xml: string) => xml.slice(0, xml.indexOf(` <interface name="${controllerName}`));
  const annotations = (xml: string) => xml.split("\n").filter((line) => line.includes("<annotation"));
  const theirs = new Set(annotations(await document(systemdName, "/org/freedesktop/systemd1/unit/slow_2eservice")));
  const start = (await document(systemdName, "/")).split(" <node ")[0] ?? "";
  for (const [name, path] of objects) {
    const xml = await document(name, path);
    expect(head(xml)).toBe(start);
    expect(annotations(xml).filter((line) => !theirs.has(line) && !line.includes(`"${systemdName}.Explicit"`))).toEqual(
      [],
    );
  }
});

const flags = { change: "emits-change", const: "const", explicit: "-" };

test("busctl and gdbus read them", async () => {
  const signature = (args: Arguments) => signatureOf(args) || "-";
  for (const [name, path, table] of objects) {
    const rows = (await main.sh(`busctl introspect --no-legend ${name} ${path} ${table.name}`)).trim().split("\n");
    const told = rows.map((row) =>
      row
        .replace(/"[^"]*"/, "VALUE")
        .split(/ +/)
        .slice(0, 5),
    );
    const expected = [
      ...Object.entries(table.methods).map(([key, method]) => [
        `.${key}`,
        "method",
        signature(method.in),
        signature(method.out),
        "-",
      ]),
      ...Object.entries(table.signals).map(([key, { args }]) => [`.${key}`, "signal", signature(args), "-", "-"]),
      ...Object.entries(table.properties).map(([key, { type, emits }]) => [
        `.${key}`,
        "property",
        type,
        // Without a cluster its authority has no end.
        emits === "explicit" ? "-" : type === "s" ? "VALUE" : key === "Expiry" ? "0" : last(path),
        flags[emits],
      ]),
    ];
    expect({ path, told: told.sort() }).toEqual({ path, told: expected.sort() });
    const read = await main.sh(`gdbus introspect --system --dest ${name} --object-path ${path}`);
    expect(read).toContain(`interface ${table.name} {`);
    const readonly = [...read.matchAll(/^ +readonly \w+ (\w+)/gm)].map(([, property]) => property);
    expect(readonly).toEqual(Object.keys(table.properties));
  }
});

test("parents forget children that go, and what has gone is an unknown object", async () => {
  const gone = async (path: string) => {
    const { stderr } = await main.run(["busctl", "introspect", controllerName, path]);
    expect(stderr).toContain(`Unknown object '${path}'.`);
  };
  await program.controller.call("DisableMetrics", {});
  expect(await below(rootPath)).toEqual(["cluster", "job", "monitor", "node"]);
  await program.call(controllerName, monitor, `${monitorInterface.name}.Close`);
  expect(await below(rootPath)).toEqual(["cluster", "job", "node"]);
  await program.call(controllerName, job, `${jobInterface.name}.Cancel`);
  await main.until("the job to go", async () => Bun.deepEquals(await below(rootPath), ["cluster", "node"]));
  for (const path of [metricsPath, monitor, job, `${rootPath}/job`, `${rootPath}/monitor`]) await gone(path);
  expect((await main.sh(`busctl tree --list ${controllerName}`)).trim().split("\n")).toEqual([
    "/",
    "/org",
    "/org/eclipse",
    rootPath,
    clusterPath,
    `${rootPath}/node`,
    ...["a-b", "gone", "main"].map(nodePath),
  ]);
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
    signals: Object.fromEntries(elements("signal").map(({ member, inner }) => [member, { args: args(inner) }])),
    properties: Object.fromEntries(
      elements("property").map(({ member, attributes, inner }) => {
        expect(attributes).toContain('access="read"');
        return [member, { type: /type="([^"]+)"/.exec(attributes)?.[1] ?? "", emits: emits(inner) }];
      }),
    ),
  };
}
