import { expect, test } from "bun:test";
import { emptyBody } from "../../base/body.ts";
import { Failure } from "../../base/failure.ts";
import { encodeBody } from "../../bus/marshal.ts";
import { encodeNamed } from "../../bus/named.ts";
import { type ManagerMethod, managerInterface } from "../../systemd/manager-interface.ts";
import { messages } from "../../wire/messages.ts";
import type { Asked } from "./demands.ts";
import { gate, gated } from "./gate.ts";
import { Policy, type PolicySettings } from "./policy.ts";
import type { Refusal } from "./refusals.ts";
import { type Verb, verbNames } from "./verbs.ts";

/** Units with more than one name. */
const aliases = [
  ["ssh.service", "sshd.service"],
  ["nginx.service", "www.service"],
  ["tmpl@0.service", "other@0.service"],
];

function world(settings: Partial<PolicySettings>) {
  const refusals: Refusal[] = [];
  const asked: string[] = [];
  const policy = new Policy({ AllowUnits: [], DenyUnits: [], AllowVerbs: ["all"], ...settings });
  const permit = gate({
    systemd: {
      async unitProperty(unit) {
        asked.push(unit);
        if (unit === "broken.service") throw new Failure("org.example.Broken", "cannot be loaded");
        const names = aliases.find((all) => all.includes(unit)) ?? [unit];
        return encodeBody("v", [{ signature: "as", value: names }]);
      },
    },
    knowledge: { unitOfJob: (id) => (id === 7 ? "job.service" : undefined) },
    policy: () => policy,
    node: () => "pi",
    refused: (refusal) => refusals.push(refusal),
  });
  const ask = async (name: string, fields: object) => {
    try {
      await permit(name as Asked, fields as never);
      return "";
    } catch (error) {
      return error instanceof Failure ? error.message : String(error);
    }
  };
  const manager = (method: ManagerMethod, args: object) =>
    ask("callManager", { method, arguments: encodeNamed(managerInterface.methods[method].in, args) });
  return { refusals, asked, permit, ask, manager };
}

type World = ReturnType<typeof world>;
const job = (type: string, unit = "a.service", mode = "replace") => ({ jobId: 1, type, unit, mode });

/** Everything that can be asked with a verb, of a.service where a unit is meant. */
const questions: Record<Verb, readonly ((world: World) => Promise<string>)[]> = {
  list: [
    ({ manager }) => manager("ListUnits", {}),
    ({ manager }) => manager("ListUnitFiles", {}),
    ({ manager }) => manager("GetDefaultTarget", {}),
    ({ ask }) => ask("subscribe", { unit: "*" }),
  ],
  status: [
    ({ ask }) => ask("getUnitProperties", { unit: "a.service", interface: "" }),
    ({ ask }) => ask("getUnitProperty", { unit: "a.service", interface: "", property: "Id" }),
    ({ ask }) => ask("subscribe", { unit: "a.service" }),
    ({ manager }) => manager("GetUnitFileState", { file: "/etc/systemd/system/a.service" }),
  ],
  start: [({ ask }) => ask("startJob", job("start")), ({ ask }) => ask("findJob", job("start"))],
  stop: [({ ask }) => ask("startJob", job("stop")), ({ ask }) => ask("findJob", job("stop"))],
  restart: [({ ask }) => ask("startJob", job("restart")), ({ ask }) => ask("findJob", job("restart"))],
  reload: [({ ask }) => ask("startJob", job("reload")), ({ ask }) => ask("findJob", job("reload"))],
  cancel: [({ ask }) => ask("cancelJob", { jobId: 7 })],
  kill: [({ manager }) => manager("KillUnit", { name: "a.service", who: "all", signal: 9 })],
  freeze: [({ manager }) => manager("FreezeUnit", { name: "a.service" })],
  thaw: [({ manager }) => manager("ThawUnit", { name: "a.service" })],
  "reset-failed": [
    ({ manager }) => manager("ResetFailedUnit", { name: "a.service" }),
    ({ manager }) => manager("ResetFailed", {}),
  ],
  dependency: [({ ask }) => ask("startDependency", { unit: "a.service" })],
  "set-property": [({ manager }) => manager("SetUnitProperties", { name: "a.service", runtime: true, properties: [] })],
  enable: [({ manager }) => manager("EnableUnitFiles", { files: ["a.service"], runtime: true, force: false })],
  disable: [({ manager }) => manager("DisableUnitFiles", { files: ["a.service"], runtime: true })],
  "set-default": [({ manager }) => manager("SetDefaultTarget", { name: "a.target", force: true })],
  "start-transient": [
    ({ manager }) => manager("StartTransientUnit", { name: "a.service", mode: "fail", properties: [], aux: [] }),
  ],
  "daemon-reload": [({ manager }) => manager("Reload", {})],
  "log-level": [({ ask }) => ask("setLogLevel", { level: "DEBUG" })],
};

test.each(verbNames)("%s is what the policy lets through, and nothing else is with it", async (verb) => {
  for (const other of verbNames) {
    const alone = world({ AllowVerbs: [other] });
    for (const question of questions[verb]) {
      const answer = await question(alone);
      // A node tells the state of what its dependencies are to know.
      if (other === verb || (verb === "status" && other === "dependency" && answer === "")) expect(answer).toBe("");
      else
        expect(answer).toMatch(
          /^node pi does not allow '\S+'( on \S+| on all units)? \(AllowVerbs= in its agent.conf\)$/,
        );
    }
  }
});

test("the verbs' questions are all messages of the controller that demand anything", async () => {
  const seen = new Set<string>();
  const record = {
    ask: async (name: string) => String(seen.add(name)),
    manager: async (method: string) => String(seen.add(method)),
  } as unknown as World;
  for (const question of Object.values(questions).flat()) await question(record);
  const free = [
    ...[
      "unsubscribe",
      "stopDependency",
      "keepDependencies",
      "setMetrics",
      "authoritiesChanged",
      "resumeJobs",
      "forgetJob",
      "ping",
    ],
    ...["proxyTargetActivated", "proxyTargetChanged", "proxyTargetRemoved", "proxyTargetLost"],
  ];
  const ofController = Object.entries(messages).filter(([, { from }]) => from === "controller");
  const names = [...ofController.map(([name]) => name), ...Object.keys(managerInterface.methods)];
  expect([...seen, ...free, "callManager"].sort()).toEqual(names.sort());
});

const denied = (verb: string, unit: string, setting = "DenyUnits") =>
  `node pi does not allow '${verb}' on ${unit} (${setting}= in its agent.conf)`;
const deny = (...units: string[]) => world({ DenyUnits: units });
const allow = (...units: string[]) => world({ AllowUnits: units });

test("a unit is recognized by each of its names", async () => {
  expect(await deny("sshd").ask("startJob", job("stop", "ssh.service"))).toBe(denied("stop", "ssh.service"));
  expect(await deny("sshd").ask("startDependency", { unit: "ssh.service" })).toBe(denied("dependency", "ssh.service"));
  expect(await deny("sshd").ask("subscribe", { unit: "ssh.service" })).toBe(denied("status", "ssh.service"));
  expect(await deny("sshd").ask("startJob", job("stop", "cron.service"))).toBe("");
  expect(await allow("www").ask("startJob", job("stop", "nginx.service"))).toBe("");
  expect(await allow("www").ask("startJob", job("stop", "ssh.service"))).toBe(
    denied("stop", "ssh.service", "AllowUnits"),
  );
  const files = { files: ["other@.service"], runtime: true };
  expect(await deny("tmpl@.service").manager("DisableUnitFiles", files)).toBe(denied("disable", "other@.service"));
});

test("handlers are called at once or after the names are known, and not at all when it is refused", async () => {
  const { permit } = deny("sshd");
  const handled: string[] = [];
  const note = (fields: { unit: string }) => ({ result: String(handled.push(fields.unit)) });
  const { startDependency, unsubscribe } = gated(
    { startDependency: note, unsubscribe: (fields: { unit: string }) => void note(fields) },
    permit,
  );
  const later = startDependency({ unit: "a.service" });
  unsubscribe({ unit: "b.service" });
  expect(handled).toEqual(["b.service"]);
  expect(await later).toEqual({ result: "2" });
  expect(() => startDependency({ unit: "sshd.service" })).toThrow("does not allow");
  const late = startDependency({ unit: "ssh.service" }) as unknown as Promise<unknown>;
  expect(await late.catch(({ message }) => message)).toBe(denied("dependency", "ssh.service"));
  expect(handled).toEqual(["b.service", "a.service"]);
});

test("nothing is asked of systemd where names do not matter", async () => {
  const open = world({});
  const verbsOnly = world({ AllowVerbs: ["lifecycle"] });
  const literal = deny("sshd");
  expect(await open.ask("startJob", job("stop"))).toBe("");
  expect(await verbsOnly.ask("startJob", job("stop"))).toBe("");
  expect(await literal.ask("startJob", job("stop", "sshd.service"))).toBe(denied("stop", "sshd.service"));
  expect(await literal.ask("subscribe", { unit: "sshd.service" })).toBe(denied("status", "sshd.service"));
  expect([...open.asked, ...verbsOnly.asked, ...literal.asked]).toEqual([]);
});

test("a unit whose names systemd does not tell is refused, in its words when the policy has none", async () => {
  expect(await deny("sshd").ask("startJob", job("stop", "broken.service"))).toBe("cannot be loaded");
  expect(await allow("www").ask("startJob", job("stop", "broken.service"))).toBe(
    denied("stop", "broken.service", "AllowUnits"),
  );
});

test("a dependency unit is judged by what it starts", async () => {
  const unit = "bluechi-dep@sshd.service";
  expect(await deny("sshd").ask("startJob", job("start", unit))).toBe(denied("start", "sshd.service"));
  expect(await allow("bluechi-dep@*").ask("startJob", job("start", unit))).toBe(
    denied("start", "sshd.service", "AllowUnits"),
  );
  expect(await allow("bluechi-dep@*", "sshd").ask("startJob", job("start", unit))).toBe("");
});

test("what is no unit's name may be any unit: without a name systemd takes the one of who asks", async () => {
  for (const name of ["", "self", "a", "../a.service"]) {
    const kill = { name, who: "all", signal: 9 };
    expect(await deny("bluechi-agent").manager("KillUnit", kill)).toBe(denied("kill", "all units"));
    expect(await allow("*.service", "self", "a").manager("KillUnit", kill)).toBe(
      denied("kill", "all units", "AllowUnits"),
    );
    expect(await world({ AllowVerbs: ["kill"] }).manager("KillUnit", kill)).toBe("");
  }
  const status = { unit: "self", interface: "" };
  expect(await deny("bluechi-agent").ask("getUnitProperties", status)).toBe(denied("status", "all units"));
});

test("a mode that sweeps other units away needs all of them", async () => {
  const every = (setting: string, verb = "stop") => denied(verb, "all units", setting);
  for (const mode of ["isolate", "flush"]) {
    expect(await deny("sshd").ask("startJob", job("start", "a.target", mode))).toBe(every("DenyUnits"));
    expect(await allow("a.target").ask("startJob", job("start", "a.target", mode))).toBe(every("AllowUnits"));
    expect(await world({ AllowVerbs: ["start"] }).ask("startJob", job("start", "a.target", mode))).toBe(
      every("AllowVerbs"),
    );
    expect(await world({ AllowVerbs: ["start", "stop"] }).ask("startJob", job("start", "a.target", mode))).toBe("");
  }
  expect(await deny("sshd").manager("ResetFailed", {})).toBe(every("DenyUnits", "reset-failed"));
});

test("units inside of arguments count", async () => {
  const files = { files: ["a.service", "sshd.service"], runtime: true, force: false };
  expect(await deny("sshd").manager("EnableUnitFiles", files)).toBe(denied("enable", "sshd.service"));
  const transient = { name: "a.service", mode: "fail", properties: [], aux: [["sshd.service", []]] };
  expect(
    await world({ DenyUnits: ["sshd"], AllowVerbs: ["start-transient"] }).manager("StartTransientUnit", transient),
  ).toBe(denied("start-transient", "sshd.service"));
  expect(await deny("sshd").manager("StartTransientUnit", { ...transient, aux: [] })).toBe(
    denied("start-transient", "a.service", "AllowVerbs"),
  );
});

test("a file by its path is enabled only where every unit is allowed", async () => {
  const args = { files: ["/tmp/www.service"], runtime: true, force: false };
  expect(await allow("www").manager("EnableUnitFiles", args)).toBe(denied("enable", "all units", "AllowUnits"));
  expect(await deny("www").manager("EnableUnitFiles", args)).toBe(denied("enable", "www.service"));
  expect(await world({ AllowVerbs: ["enable"] }).manager("EnableUnitFiles", args)).toBe("");
});

test("a job is cancelled as what it is a job of; one that is unknown is the handler's to refuse", async () => {
  expect(await deny("job").ask("cancelJob", { jobId: 7 })).toBe(denied("cancel", "job.service"));
  expect(await deny("job").ask("cancelJob", { jobId: 8 })).toBe("");
});

test("a method that there is not, or other arguments, are refused as before", async () => {
  const { ask, refusals } = world({ AllowVerbs: ["read-only"] });
  expect(await ask("callManager", { method: "PowerOff", arguments: emptyBody })).toStartWith("Unknown method PowerOff");
  expect(await ask("callManager", { method: "KillUnit", arguments: emptyBody })).toStartWith("Invalid arguments ''");
  expect(refusals).toEqual([]);
});

test("what is refused is told, with names cut to the length of units'", async () => {
  const { ask, refusals } = world({ AllowVerbs: ["list"] });
  await ask("startJob", job("start", "x".repeat(1000)));
  await ask("setLogLevel", { level: "DEBUG" });
  expect(refusals).toEqual([
    { verb: "start", unit: "x".repeat(255), setting: "AllowVerbs" },
    { verb: "log-level", unit: "", setting: "AllowVerbs" },
  ]);
});
