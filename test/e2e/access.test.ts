// Who may do what: every method and every property of the API, as root, as a member of the group and as nobody.
import { afterAll, beforeAll, expect } from "bun:test";
import { join } from "node:path";
import { auditMessageId } from "../../src/api/audit.ts";
import { interfaces } from "../../src/api/interfaces.ts";
import { agentName, controllerName, metricsPath, nodePath, rootPath } from "../../src/api/names.ts";
import { ErrorName } from "../../src/base/failure.ts";
import { signatureOf } from "../../src/bus/interface.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { Program } from "./program.ts";

const cluster = await Cluster.start(["main", "pi"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const pi = cluster.host("pi");
const properties = "org.freedesktop.DBus.Properties";
const drops = "/etc/dbus-1/system.d";
const shipped = "/usr/share/bluechi/dbus-1";

/** Who tries. The member has no other groups, and is no administrator. */
const people = {
  root: ["env"],
  alice: ["setpriv", "--reuid=alice", "--regid=nogroup", "--init-groups"],
  bob: ["setpriv", "--reuid=bob", "--regid=nogroup", "--init-groups"],
  nobody: ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"],
} as const;
type Person = keyof typeof people;

let program: Program;

beforeAll(async () => {
  await main.write("/root/clients/calls.py", await Bun.file(join(import.meta.dir, "clients/calls.py")).text());
  await main.sh("chmod 755 /root /root/clients");
  const sysusers = "u alice 3001\\nm alice bluechi\\nu bob 3002\\nm bob bluechi\\n";
  await main.sh(`systemd-sysusers /usr/lib/sysusers.d/bluechi.conf && printf '${sysusers}' | systemd-sysusers -`);
  for (const name of ["access", "access-other"])
    await pi.write(
      `/etc/systemd/system/${name}.service`,
      "[Service]\nExecStart=sleep infinity\n[Install]\nWantedBy=multi-user.target\n",
    );
  await pi.write(
    "/etc/systemd/system/access-slow.service",
    "[Service]\nType=oneshot\nExecStart=sleep infinity\nTimeoutStartSec=infinity\n",
  );
  await pi.sh("systemctl daemon-reload && systemctl start access.service");
  program = await Program.on(main, { listen: true });
});

afterAll(async () => {
  program.close();
  await cluster.close();
});

/** Installs these of the policies that are shipped, as people are told to. */
async function install(...names: string[]): Promise<void> {
  await main.sh(`rm -f ${drops}/org.eclipse.bluechi.*.conf`);
  for (const name of names) await main.sh(`ln -s ${shipped}/org.eclipse.bluechi.${name}.conf ${drops}/`);
  await main.sh("systemctl reload dbus");
}

type Call = readonly [destination: string, path: string, interfaceName: string, member: string, string, unknown[]];

/** Makes calls as somebody, all over one connection. @returns what each was refused with, "" for those that were not. */
async function calls(person: Person, list: readonly Call[]): Promise<string[]> {
  const input = list.map((call) => `${JSON.stringify(call)}\n`).join("");
  const argv = [...people[person], "/usr/bin/python3", "/root/clients/calls.py"];
  const { stdout, stderr, status } = await main.run(argv, { input, timeoutMs: 120_000 });
  if (status !== 0) throw new Error(stderr);
  return stdout
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as string);
}

const samples: Readonly<Record<string, unknown>> = {
  "a(sv)": [],
  "a(sa(sv))": [],
  as: ["access.service"],
  ay: [],
  b: false,
  i: 15,
  o: "/",
  s: "access.service",
  t: 0,
  u: 0,
};
const named: Readonly<Record<string, unknown>> = {
  dbus_address: "tcp:host=main,port=842",
  interface: "",
  level: "INFO",
  loglevel: "INFO",
  mode: "replace",
  property: "ActiveState",
  who: "all",
};

interface Attempt {
  readonly what: string;
  readonly call: Call;
  /** `property`, or what the table says of the method. */
  readonly kind: string;
}

/** A call of every method and a read of every property, of objects that are there: a job that runs and a monitor are root's. */
async function attempts(): Promise<Attempt[]> {
  const { job } = await program.node("pi").call("StartUnit", { name: "access-slow.service", mode: "replace" });
  // Its unit changes no more then.
  await program.hears(`${job.slice(rootPath.length + 1)} State=running`);
  const { path: monitor } = await program.monitor();
  const paths: Readonly<Record<string, string>> = {
    Node: nodePath("pi"),
    Job: job,
    Monitor: monitor,
    Metrics: metricsPath,
    Cluster: `${rootPath}/cluster`,
  };
  return interfaces.flatMap(({ name, methods, properties: values }) => {
    const last = name.split(".").at(-1) ?? "";
    // A proxy of a unit that is there would be waited for.
    const node = last === "Agent" ? "nowhere" : "pi";
    const [bus, path] = [last === "Agent" ? agentName : controllerName, paths[last] ?? rootPath];
    const kindOf = (access: unknown) => (typeof access === "string" ? access : "privileged");
    const attempt = (member: string, kind: string, call: Call) => ({
      what: `${last}.${member}`,
      kind: `${bus === agentName ? "agent " : ""}${kind}`,
      call,
    });
    return [
      ...Object.entries(methods as Readonly<Record<string, { in: Record<string, string>; access: unknown }>>).map(
        ([member, method]) => {
          const args = Object.entries(method.in).map(
            ([key, type]) => (key === "node" ? node : named[key]) ?? samples[type],
          );
          return attempt(member, kindOf(method.access), [bus, path, name, member, signatureOf(method.in), args]);
        },
      ),
      ...Object.keys(values).map((member) =>
        attempt(member, "property", [bus, path, properties, "Get", "ss", [name, member]]),
      ),
      attempt("GetAll", "property", [bus, path, properties, "GetAll", "s", [name]]),
    ];
  });
}

/** What the calls may change. */
async function state(): Promise<string> {
  const unit = await pi.sh(
    "systemctl show access.service access-slow.service -p Id,ActiveState,SubState,MainPID,InvocationID,UnitFileState,CPUWeight,FreezerState; systemctl get-default; systemctl is-enabled access.service || true",
  );
  const levels = await Promise.all([
    program.controller.get("LogLevel"),
    pi.sh(`busctl get-property ${agentName} ${rootPath} ${agentName} LogLevel ControllerAddress`),
  ]);
  return [unit, ...levels].join("\n");
}

/** Tries everything as somebody. @returns by kind what was said. */
async function matrix(person: Person): Promise<Record<string, string[]>> {
  const list = await attempts();
  const [before, heard] = [await state(), program.all(/^Job/).length];
  const answers = await calls(
    person,
    list.map(({ call }) => call),
  );
  const byKind = new Map<string, Set<string>>(list.map(({ kind }) => [kind, new Set()]));
  for (const [index, { kind, what }] of list.entries()) {
    const answer = answers[index] ?? "missing";
    const said = denial(answer);
    byKind.get(kind)?.add(person === "root" && said !== "let in" ? `${what}: ${said}` : said);
  }
  if (person !== "root") {
    await program.caughtUp();
    expect(await state()).toBe(before);
    expect(program.all(/^Job/)).toHaveLength(heard);
  }
  await pi.sh("systemctl stop access-slow.service; systemctl start access.service");
  return Object.fromEntries([...byKind].map(([kind, set]) => [kind, [...set].sort()]));
}

const denials = [ErrorName.AccessDenied, ErrorName.InteractiveAuthorizationRequired];

/** Why a call was denied, without what is particular to it; "let in" when it had another answer. */
function denial(answer: string): string {
  if (!denials.some((name) => answer.startsWith(name))) return "let in";
  const text = answer.replace("org.freedesktop.DBus.Error.", "");
  if (text.startsWith("AccessDenied: Rejected send message")) return "kept out by the bus";
  return text
    .replace(/ (to|may) [a-z-]+( '.*?')?( on node '.*?')?(?= \(|,)/, " $1 ...")
    .replace(/org.eclipse.bluechi[.a-z-]+/, "ACTION");
}

const bus = ["kept out by the bus"];
const allIn = ["let in"];
const others = { "agent root": bus, "agent property": bus };
const keptOut = { read: bus, owner: bus, privileged: bus, property: bus, ...others };
const letIn = {
  read: allIn,
  owner: allIn,
  privileged: allIn,
  property: allIn,
  "agent root": allIn,
  "agent property": allIn,
};
const reader = {
  read: allIn,
  owner: ["AccessDenied: Access denied: only root may use what somebody else has made"],
  property: allIn,
  ...others,
};

test("without a policy root may all, and nobody else anything", async () => {
  await install();
  expect(await matrix("alice")).toEqual(keptOut);
  expect(await matrix("nobody")).toEqual(keptOut);
  expect(await matrix("root")).toEqual(letIn);
});

test("the policy for reading lets members of the group read, and use monitors of their own", async () => {
  await install("read");
  expect(await matrix("alice")).toEqual({ ...reader, privileged: bus });
  expect(await matrix("nobody")).toEqual(keptOut);
  expect(await matrix("root")).toEqual(letIn);
  const mine = main.spawn([...people.alice, "bluechictl", "monitor", "pi", "access.service"]);
  await mine.line(/access.service/);
  await mine.close();
});

test("the policy for managing has polkit asked, which wants a password of people for whom there is no rule", async () => {
  await install("read", "manage");
  const privileged = [
    "InteractiveAuthorizationRequired: Interactive authentication is required to ... (ACTION), which the call does not allow",
  ];
  expect(await matrix("alice")).toEqual({ ...reader, privileged });
  expect(await matrix("nobody")).toEqual(keptOut);
  expect(await matrix("root")).toEqual(letIn);
});

/** Runs bluechictl as somebody. @returns its last line. */
async function ctl(person: Person, ...words: string[]): Promise<string> {
  const { stdout, stderr } = await main.run([...people[person], "bluechictl", ...words]);
  return (stdout + stderr).trim().split("\n").at(-1) ?? "";
}

const rule = `polkit.addRule(function (action, subject) {
  if (action.id.indexOf("org.eclipse.bluechi.") !== 0) return undefined;
  if (
    action.id === "org.eclipse.bluechi.manage-units" &&
    subject.user === "alice" &&
    ["start", "restart"].indexOf(action.lookup("verb")) >= 0 &&
    action.lookup("node") === "pi" &&
    action.lookup("unit") === "access-other.service"
  )
    return polkit.Result.YES;
  return polkit.Result.NO;
});
`;

test("a rule lets one member start one unit on one node, and no more", async () => {
  await install("read", "manage");
  await main.write("/etc/polkit-1/rules.d/10-bluechi.rules", rule);
  await main.sh("systemctl restart polkit");
  const privileged = ["AccessDenied: Access denied: polkit does not allow uid 3001 to ... (ACTION)"];
  expect(await matrix("alice")).toEqual({ ...reader, privileged });
  const done = "Unit access-other.service StartUnit operation result: done";
  expect(await ctl("alice", "start", "pi", "access-other.service")).toBe(done);
  expect(await cluster.state("pi", "access-other.service")).toBe("active");
  const denied = (uid: number, what: string, node = "pi") =>
    `Failed to issue method call: Access denied: polkit does not allow uid ${uid} to ${what} on node '${node}' (org.eclipse.bluechi.manage-units)`;
  expect(await ctl("alice", "stop", "pi", "access-other.service")).toBe(denied(3001, "stop 'access-other.service'"));
  expect(await ctl("alice", "start", "pi", "access.service")).toBe(denied(3001, "start 'access.service'"));
  expect(await ctl("alice", "start", "main", "access-other.service")).toBe(
    denied(3001, "start 'access-other.service'", "main"),
  );
  expect(await ctl("bob", "start", "pi", "access-other.service")).toBe(denied(3002, "start 'access-other.service'"));
  expect(await ctl("nobody", "start", "pi", "access-other.service")).toBe(
    "Failed to issue method call: Access denied: only root may do this, or a member of the group bluechi whom the bus's policy lets in",
  );
  expect(await cluster.state("pi", "access-other.service")).toBe("active");
  await pi.sh("systemctl stop access-other.service");
});

test("without polkit only root may", async () => {
  await install("read", "manage");
  await main.sh("systemctl mask --runtime --now polkit");
  expect(await matrix("root")).toEqual(letIn);
  const { privileged = [], ...rest } = await matrix("alice");
  expect(rest).toEqual({ ...reader });
  expect(privileged).toHaveLength(1);
  expect(privileged[0]).toStartWith("AccessDenied: Access denied: only root may ..., as polkit cannot be asked: ");
  await main.sh("systemctl unmask --runtime polkit && systemctl start polkit");
});

interface Entry extends Readonly<Record<string, string>> {}

/** All entries of the audit, oldest first. */
async function audit(): Promise<Entry[]> {
  await main.sh("journalctl --sync");
  const lines = await main.sh(`journalctl --no-pager -o json MESSAGE_ID=${auditMessageId}`);
  return lines
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Entry);
}

test("each call that changes something is one entry of the journal, with who, what, where and how it ended", async () => {
  await install("read", "manage");
  await main.write("/etc/polkit-1/rules.d/10-bluechi.rules", rule);
  await main.sh("systemctl restart polkit");
  await pi.write("/etc/systemd/system/access-fails.service", "[Service]\nType=oneshot\nExecStart=false\n");
  await pi.sh("systemctl daemon-reload");
  const before = (await audit()).length;
  await main.run(["systemd-run", "--wait", "--unit=caller", "bluechictl", "start", "pi", "access-other.service"]);
  await ctl("alice", "restart", "pi", "access-other.service");
  await ctl("bob", "stop", "pi", "access-other.service");
  await ctl("root", "start", "pi", "access-fails.service");
  await ctl("root", "start", "pi", "no-such.service");
  await ctl("root", "set-loglevel", "INFO");
  await ctl("root", "list-units", "pi");
  await ctl("bob", "is-enabled", "pi", "access.service");
  const keys = ["CALLER_UID", "NODE", "UNIT", "VERB", "RESULT", "ERROR"].map((key) => `BLUECHI_${key}`);
  await main.until("the entries to be there", async () => (await audit()).length >= before + 6);
  const entries = (await audit()).slice(before);
  const manage = "org.eclipse.bluechi.manage-units";
  expect(entries.map((entry) => keys.map((key) => entry[key] ?? "").join(" "))).toEqual([
    "0 pi access-other.service start done ",
    "3001 pi access-other.service restart done ",
    `3002 pi access-other.service stop denied ${ErrorName.AccessDenied}`,
    "0 pi access-fails.service start failed ",
    "0 pi no-such.service start error org.freedesktop.systemd1.NoSuchUnit",
    "0   set-log-level done ",
  ]);
  expect(entries.map(({ BLUECHI_ACTION }) => BLUECHI_ACTION)).toEqual([
    ...Array(5).fill(manage),
    "org.eclipse.bluechi.manage-nodes",
  ]);
  const jobs = entries.map(({ BLUECHI_JOB_ID }) => BLUECHI_JOB_ID !== undefined);
  expect(jobs).toEqual([true, true, false, true, false, false]);
  const [first] = entries;
  expect(first?.BLUECHI_CALLER_UNIT).toBe("caller.service");
  expect(first?.BLUECHI_METHOD).toBe("org.eclipse.bluechi.Node.StartUnit");
  expect(first?.MESSAGE).toBe(
    `uid 0 (pid ${first?.BLUECHI_CALLER_PID}, caller.service): start 'access-other.service' on node 'pi' (job ${first?.BLUECHI_JOB_ID}): done`,
  );
  for (const entry of entries) {
    expect(Number(entry.BLUECHI_CALLER_PID)).toBeGreaterThan(1);
    expect(entry._SYSTEMD_UNIT).toBe("bluechi-controller.service");
    expect(entry.PRIORITY).toBe("5");
  }
  const removed = program.all(/^JobRemoved .* access-fails.service failed$/).at(-1);
  expect(removed).toStartWith(`JobRemoved ${entries[3]?.BLUECHI_JOB_ID} `);
});

test("a log level does not silence the audit, and on stderr it is a line", async () => {
  await main.sh("bluechictl set-loglevel ERROR");
  const before = (await audit()).length;
  await ctl("root", "start", "pi", "access-other.service");
  await main.until("the entry to be there", async () => (await audit()).length === before + 1);
  await main.write("/etc/bluechi/controller.conf.d/target.conf", "[bluechi-controller]\nLogTarget=stderr\n");
  await main.sh("systemctl restart bluechi-controller");
  await cluster.online("pi");
  await ctl("root", "stop", "pi", "access-other.service");
  const line = /AUDIT\s*: uid 0 \(pid \d+.*\): stop 'access-other.service' on node 'pi' \(job 1\): done/;
  await main.until("the line to be there", async () => line.test(await main.journal("bluechi-controller")));
  await main.sh("rm /etc/bluechi/controller.conf.d/target.conf && systemctl restart bluechi-controller");
  await cluster.online("pi");
});
