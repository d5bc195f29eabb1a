// What an agent allows its controller, whatever that asks: the real one, with every command, and one that says what it likes.
import { afterAll, beforeAll, expect } from "bun:test";
import { dirname } from "node:path";
import { emptyBody } from "../../src/base/body.ts";
import { systemClock } from "../../src/base/clock.ts";
import type { Failure } from "../../src/base/failure.ts";
import { encodeNamed } from "../../src/bus/named.ts";
import { presets, type Verb, verbNames } from "../../src/roles/agent/verbs.ts";
import { type ManagerMethod, managerInterface } from "../../src/systemd/manager-interface.ts";
import { Acceptor } from "../../src/wire/handshake.ts";
import type { FieldsOf, RequestFrom } from "../../src/wire/messages.ts";
import type { Session } from "../../src/wire/session.ts";
import { listenUnix } from "../../src/wire/sockets.ts";
import { testsOn } from "../testbed/host-test.ts";
import { handlersOf } from "../wire/handlers.ts";
import { Cluster } from "./cluster.ts";
import { reload } from "./reloading.ts";

const cluster = await Cluster.start(["main", "pi"], {
  unified: true,
  controller: "[node main]\nAllowDependenciesOn=pi",
});
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const settings = "/etc/bluechi/agent.conf.d/zz-policy.conf";
const sleeper = "[Service]\nExecStart=sleep infinity\nExecReload=true\n[Install]\nWantedBy=multi-user.target\n";

beforeAll(async () => {
  for (const name of ["web-a.service", "secret.service", "plain@.service"])
    await pi.write(`/etc/systemd/system/${name}`, sleeper);
  // secret.service by another name.
  await pi.sh("ln -s secret.service /etc/systemd/system/web-alias.service && systemctl daemon-reload");
});

afterAll(() => cluster.close());

/** Gives the agent a policy, by a reload. */
async function allow(...lines: string[]): Promise<void> {
  await pi.write(settings, `[bluechi-agent]\n${lines.join("\n")}\n`);
  await reload(pi, "agent");
  await pi.sh("systemctl start web-a.service secret.service");
}

const denied = (verb: string, unit: string, setting: string) =>
  `node pi does not allow '${verb}'${unit && ` on ${unit}`} (${setting}= in its agent.conf)`;

/** The commands of bluechictl on web-a.service, by the verb that each needs of the agent. */
const commands: readonly (readonly [verb: Verb, unit: string, ...argv: string[]])[] = [
  ["list", "", "get-default", "pi"],
  ["list", "", "list-units", "pi"],
  ["list", "", "list-unit-files", "pi"],
  ["status", "web-a.service", "status", "pi", "web-a.service"],
  ["status", "web-a.service", "is-enabled", "pi", "web-a.service"],
  ["stop", "web-a.service", "stop", "pi", "web-a.service"],
  ["start", "web-a.service", "start", "pi", "web-a.service"],
  ["restart", "web-a.service", "restart", "pi", "web-a.service"],
  ["reload", "web-a.service", "reload", "pi", "web-a.service"],
  ["freeze", "web-a.service", "freeze", "pi", "web-a.service"],
  ["thaw", "web-a.service", "thaw", "pi", "web-a.service"],
  ["kill", "web-a.service", "kill", "pi", "web-a.service"],
  ["reset-failed", "web-a.service", "reset-failed", "pi", "web-a.service"],
  ["reset-failed", "all units", "reset-failed", "pi"],
  ["enable", "web-a.service", "enable", "pi", "web-a.service"],
  ["disable", "web-a.service", "disable", "pi", "web-a.service"],
  ["set-default", "multi-user.target", "set-default", "pi", "multi-user.target"],
  ["daemon-reload", "", "daemon-reload", "pi"],
  ["log-level", "", "set-loglevel", "pi", "DEBUG"],
];

for (const [words, allowed] of [
  ["all", verbNames],
  ["lifecycle", presets.lifecycle],
  ["read-only", presets["read-only"]],
  ["stop,daemon-reload", ["stop", "daemon-reload"]],
] as const) {
  test(`AllowVerbs=${words} against every command`, async () => {
    await allow(`AllowVerbs=${words}`);
    for (const [verb, unit, ...argv] of commands) {
      const { status, stderr } = await cluster.ctl(...argv);
      const mayPass = (allowed as readonly Verb[]).includes(verb);
      const what = `${argv.join(" ")}: ${status} ${stderr}`;
      if (mayPass) expect(what).not.toContain("does not allow");
      else expect(what).toContain(denied(verb, unit, "AllowVerbs"));
      if (!mayPass) expect(status).not.toBe(0);
    }
  });
}

test("units that are denied are told only in lists, and a unit is one by all its names", async () => {
  await allow("DenyUnits=secret");
  for (const unit of ["secret.service", "web-alias.service"]) {
    for (const verb of ["stop", "kill", "status"] as const) {
      const { status, stderr } = await cluster.ctl(verb, "pi", unit);
      expect(status).not.toBe(0);
      expect(stderr).toContain(denied(verb, unit, "DenyUnits"));
    }
  }
  expect((await cluster.ctl("list-units", "pi")).stdout).toContain("secret.service");
  expect(await cluster.state("pi", "secret.service")).toBe("active");
  expect((await cluster.ctl("stop", "pi", "web-a.service")).status).toBe(0);
});

test("only what is allowed, by a glob", async () => {
  await allow("AllowUnits=web-*.service");
  expect((await cluster.ctl("restart", "pi", "web-a.service")).status).toBe(0);
  // Whose other name is allowed.
  expect((await cluster.ctl("restart", "pi", "secret.service")).status).toBe(0);
  expect((await cluster.ctl("restart", "pi", "plain@a.service")).stderr).toContain(
    denied("restart", "plain@a.service", "AllowUnits"),
  );
  expect((await cluster.ctl("kill", "pi", "system.slice")).stderr).toContain(
    denied("kill", "system.slice", "AllowUnits"),
  );
});

test("units of other nodes depend on what is allowed to them", async () => {
  const proxy = (unit: string) => main.run(["systemctl", "start", `bluechi-proxy@pi_${unit}`]);
  await allow("DenyUnits=secret");
  expect((await proxy("web-alias.service")).status).not.toBe(0);
  expect(await main.journal("bluechi-proxy@*")).toContain(denied("dependency", "web-alias.service", "DenyUnits"));
  expect((await proxy("web-a.service")).status).toBe(0);
  // The states of what it needs are told without the right to look at units.
  await main.sh("systemctl stop 'bluechi-proxy@*'");
  await allow("AllowVerbs=dependency", "AllowUnits=web-a");
  expect((await proxy("web-a.service")).status).toBe(0);
  await pi.sh("systemctl stop web-a.service");
  await cluster.reaches("main", "bluechi-proxy@pi_web-a.service", "inactive");
  await allow("AllowVerbs=read-only");
  expect((await proxy("web-a.service")).status).not.toBe(0);
});

test("refusals are in the agent's journal with fields of their own, and not without bound", async () => {
  await allow("AllowVerbs=read-only");
  await pi.sh("systemctl restart bluechi-agent");
  await cluster.online("pi");
  const since = (await pi.sh("date +%s")).trim();
  for (let count = 0; count < 20; count++) await cluster.ctl("kill", "pi", "web-a.service");
  const entries = async () => {
    const query =
      "journalctl -u bluechi-agent -o json BLUECHI_VERB=kill BLUECHI_RESULT=denied BLUECHI_UNIT=web-a.service";
    const lines = (await pi.sh(`${query} --since=@${since}`)).split("\n").filter(Boolean);
    return lines.map((line) => JSON.parse(line).MESSAGE as string);
  };
  await pi.until("the count of the rest", async () => (await entries()).length > 1);
  const [first, rest, ...more] = await entries();
  expect(first).toBe("The controller is refused 'kill' on web-a.service (AllowVerbs=)");
  expect(rest).toMatch(/ \(the last of \d+ more\)$/);
  expect(more.length).toBeLessThan(5);
});

test("a policy with a verb that there is not changes nothing, and the agent's status says so", async () => {
  await allow("AllowVerbs=read-only");
  await pi.write(settings, "[bluechi-agent]\nAllowVerbs=read-only,Kill\n");
  await pi.run(["systemctl", "reload", "bluechi-agent"]);
  expect(await pi.sh("systemctl show -P StatusText bluechi-agent")).toContain("Invalid AllowVerbs 'Kill'");
  expect((await cluster.ctl("kill", "pi", "web-a.service")).stderr).toContain("does not allow");
});

/** A controller that keeps to no rules: it has the agent's session, and says what it likes. */
async function thief(): Promise<{ session: Session<"controller">; told: string[]; close(): Promise<void> }> {
  const leader = (await Bun.file(`${dirname(pi.root)}/leader`).text()).trim();
  const told: string[] = [];
  const come = Promise.withResolvers<Session<"controller">>();
  const note = (fields: { unit: string }) => void told.push(fields.unit);
  const acceptor = new Acceptor({
    clock: systemClock,
    version: "1",
    admit: () => ({
      handlers: handlersOf("controller", { unitPropertiesChanged: note }),
      heartbeat: { intervalMs: 2000, thresholdMs: 0 },
      onSession: come.resolve,
      onClose() {},
    }),
  });
  const listener = await listenUnix(`/proc/${leader}/root/run/thief.sock`, (transport) => acceptor.accept(transport));
  const agent = "/etc/bluechi/agent.conf.d/zzz-thief.conf";
  await pi.write(agent, "[bluechi-agent]\nControllerAddress=unix:path=/run/thief.sock\n");
  await reload(pi, "agent");
  const session = await come.promise;
  const close = async () => {
    await pi.sh(`rm ${agent}`);
    await reload(pi, "agent");
    listener.close();
    await cluster.online("pi");
  };
  return { session, told, close };
}

test("a controller that says what it likes gets nothing but what is allowed", async () => {
  await allow("AllowVerbs=read-only", "DenyUnits=secret");
  const { session, told, close } = await thief();
  const ask = async <N extends RequestFrom<"controller">>(name: N, fields: FieldsOf<N>) =>
    session.call(name, fields).then(
      () => "done",
      ({ errorName, message }: Failure) => `${errorName.split(".").at(-1)}: ${message}`,
    );
  const manager = (method: ManagerMethod, args: object) =>
    ask("callManager", { method, arguments: encodeNamed(managerInterface.methods[method].in, args) });
  const refused = (verb: string, unit: string, setting = "AllowVerbs") =>
    `AccessDenied: ${denied(verb, unit, setting)}`;
  const unit = "web-a.service";
  const ticket = { job: "/org/freedesktop/systemd1/job/1", startedMonotonicUs: 0n, boot: 0n };
  for (const type of ["start", "stop", "restart", "reload"]) {
    expect(await ask("startJob", { jobId: 1, type, unit, mode: "replace" })).toBe(refused(type, unit));
    expect(await ask("findJob", { jobId: 1, type, unit, ...ticket })).toBe(refused(type, unit));
  }
  expect(await ask("cancelJob", { jobId: 1 })).toBe("Failed: No job with ID '1' found");
  expect(await ask("startDependency", { unit })).toBe(refused("dependency", unit));
  expect(await ask("setLogLevel", { level: "DEBUG" })).toBe(refused("log-level", ""));
  expect(await manager("KillUnit", { name: unit, who: "all", signal: 9 })).toBe(refused("kill", unit));
  expect(await manager("FreezeUnit", { name: unit })).toBe(refused("freeze", unit));
  expect(await manager("ThawUnit", { name: unit })).toBe(refused("thaw", unit));
  expect(await manager("ResetFailedUnit", { name: unit })).toBe(refused("reset-failed", unit));
  expect(await manager("ResetFailed", {})).toBe(refused("reset-failed", "all units"));
  expect(await manager("Reload", {})).toBe(refused("daemon-reload", ""));
  const properties = [["CPUWeight", { signature: "t", value: 5n }]];
  expect(await manager("SetUnitProperties", { name: unit, runtime: true, properties })).toBe(
    refused("set-property", unit),
  );
  const files = { files: [unit], runtime: true, force: true };
  expect(await manager("EnableUnitFiles", files)).toBe(refused("enable", unit));
  expect(await manager("DisableUnitFiles", files)).toBe(refused("disable", unit));
  expect(await manager("SetDefaultTarget", { name: "rescue.target", force: true })).toBe(
    refused("set-default", "rescue.target"),
  );
  const transient = { name: "web-b.service", mode: "fail", properties: [], aux: [] };
  expect(await manager("StartTransientUnit", transient)).toBe(refused("start-transient", "web-b.service"));
  expect(await ask("callManager", { method: "PowerOff", arguments: emptyBody })).toStartWith("UnknownMethod: ");
  // What may be read, and what of it may not.
  expect(await manager("ListUnits", {})).toBe("done");
  expect(await manager("ListUnitFiles", {})).toBe("done");
  expect(await manager("GetDefaultTarget", {})).toBe("done");
  expect(await ask("getUnitProperties", { unit, interface: "" })).toBe("done");
  expect(await manager("GetUnitFileState", { file: "/etc/systemd/system/secret.service" })).toBe(
    refused("status", "secret.service", "DenyUnits"),
  );
  for (const secret of ["secret.service", "web-alias.service"]) {
    expect(await ask("getUnitProperties", { unit: secret, interface: "" })).toBe(
      refused("status", secret, "DenyUnits"),
    );
    const property = { interface: "org.freedesktop.systemd1.Service", property: "Environment" };
    expect(await ask("getUnitProperty", { unit: secret, ...property })).toBe(refused("status", secret, "DenyUnits"));
  }
  expect(await ask("subscribe", { unit: "secret.service" })).toBe(refused("status", "secret.service", "DenyUnits"));
  expect(await ask("subscribe", { unit: "*" })).toBe("done");
  await pi.sh("systemctl restart secret.service && systemctl restart web-a.service");
  await pi.until("what the thief may hear", () => told.includes("web-a.service"));
  expect(told).not.toContain("secret.service");
  expect(await cluster.state("pi", "web-a.service")).toBe("active");
  await close();
});

test("nor by a detour, where units are restricted and all verbs are allowed", async () => {
  await allow("DenyUnits=secret");
  const { session, close } = await thief();
  const start = (unit: string, mode = "replace") => session.call("startJob", { jobId: 1, type: "start", unit, mode });
  const manager = (method: ManagerMethod, args: object) =>
    session.call("callManager", { method, arguments: encodeNamed(managerInterface.methods[method].in, args) });
  const secretFile = "/etc/systemd/system/secret.service";
  for (const [way, refusal] of [
    [() => start("bluechi-dep@secret.service"), denied("start", "secret.service", "DenyUnits")],
    [() => start("bluechi-dep@web-alias.service"), denied("start", "web-alias.service", "DenyUnits")],
    [() => start("basic.target", "isolate"), denied("stop", "all units", "DenyUnits")],
    [() => start("web-a.service", "flush"), denied("stop", "all units", "DenyUnits")],
    [
      () => session.call("startDependency", { unit: "web-alias.service" }),
      denied("dependency", "web-alias.service", "DenyUnits"),
    ],
    // The agent's own unit.
    [() => manager("KillUnit", { name: "", who: "all", signal: 9 }), denied("kill", "all units", "DenyUnits")],
    [
      () => session.call("getUnitProperties", { unit: "self", interface: "" }),
      denied("status", "all units", "DenyUnits"),
    ],
    [
      () => manager("KillUnit", { name: "system.slice", who: "all", signal: 9 }),
      denied("kill", "system.slice", "DenyUnits"),
    ],
    [
      () => manager("StartTransientUnit", { name: "x.service", mode: "fail", properties: [], aux: [] }),
      denied("start-transient", "x.service", "AllowVerbs"),
    ],
    [
      () => manager("EnableUnitFiles", { files: ["web-a.service", secretFile], runtime: true, force: true }),
      denied("enable", "secret.service", "DenyUnits"),
    ],
    [
      () => manager("EnableUnitFiles", { files: ["/tmp/any.service"], runtime: true, force: true }),
      denied("enable", "all units", "DenyUnits"),
    ],
  ] as const) {
    const failure = await (way() as Promise<unknown>).then(
      () => "not refused",
      ({ message }: Failure) => message,
    );
    expect(failure).toBe(refusal);
  }
  expect(await cluster.state("pi", "secret.service")).toBe("active");
  await close();
});
