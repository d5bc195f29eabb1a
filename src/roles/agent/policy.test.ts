import { expect, test } from "bun:test";
import { everyUnit, openPolicy, Policy, type PolicySettings } from "./policy.ts";
import { presets, type Verb, verbNames } from "./verbs.ts";

const policyOf = (settings: Partial<PolicySettings>) =>
  new Policy({ AllowUnits: [], DenyUnits: [], AllowVerbs: ["all"], ...settings });

/** Every verb, and whether the presets allow it: all, lifecycle, read-only, and all while units are restricted. */
const matrix: Record<Verb, string> = {
  list: "yes yes yes yes",
  status: "yes yes yes yes",
  start: "yes yes no yes",
  stop: "yes yes no yes",
  restart: "yes yes no yes",
  reload: "yes yes no yes",
  cancel: "yes yes no yes",
  kill: "yes yes no yes",
  freeze: "yes yes no yes",
  thaw: "yes yes no yes",
  "reset-failed": "yes yes no yes",
  dependency: "yes yes no yes",
  "set-property": "yes no no yes",
  enable: "yes no no yes",
  disable: "yes no no yes",
  "set-default": "yes no no yes",
  "start-transient": "yes no no no",
  "daemon-reload": "yes no no yes",
  "log-level": "yes no no yes",
};

test.each(verbNames)("%s", (verb) => {
  const policies = [
    policyOf({ AllowVerbs: ["all"] }),
    policyOf({ AllowVerbs: ["lifecycle"] }),
    policyOf({ AllowVerbs: ["read-only"] }),
    policyOf({ AllowUnits: ["web.service"] }),
  ];
  const answers = policies.map((policy) => policy.refusal([verb], ["web.service"]) ?? "allowed");
  expect(answers.map((answer) => (answer === "allowed" ? "yes" : "no")).join(" ")).toBe(matrix[verb]);
  for (const answer of answers) expect(["allowed", "AllowVerbs"]).toContain(answer);
  // By itself it allows itself and nothing else.
  const alone = policyOf({ AllowVerbs: [verb], DenyUnits: ["other.service"] });
  expect(verbNames.filter((other) => alone.refusal([other], ["web.service"]) === undefined)).toEqual([verb]);
});

test("presets and verbs add up, and one of several verbs is enough", () => {
  const policy = policyOf({ AllowVerbs: ["read-only", "daemon-reload"] });
  expect(verbNames.filter((verb) => policy.refusal([verb], undefined) === undefined)).toEqual([
    ...presets["read-only"],
    "daemon-reload",
  ]);
  expect(policy.refusal(["dependency", "status"], ["a.service"])).toBeUndefined();
  expect(policy.refusal(["dependency", "kill"], ["a.service"])).toBe("AllowVerbs");
});

/** AllowUnits=, DenyUnits=, the names of a unit, and what refuses to start it. */
test.each<[allow: string, deny: string, names: string, expected: keyof PolicySettings | undefined]>([
  ["", "", "a.service", undefined],
  ["a.service", "", "a.service", undefined],
  ["a.service", "", "b.service", "AllowUnits"],
  ["a", "", "a.service", undefined],
  ["a", "", "a.socket", "AllowUnits"],
  ["web-*", "", "web-1.service web-2.socket", undefined],
  ["web-*.service", "", "web-1.socket", "AllowUnits"],
  ["[ab].service,c?.service", "", "cx.service", undefined],
  ["a.service", "a.service", "a.service", "DenyUnits"],
  ["*", "sshd", "sshd.service", "DenyUnits"],
  ["*", "sshd", "a.service", undefined],
  // A unit with several names.
  ["", "sshd", "ssh.service sshd.service", "DenyUnits"],
  ["", "ssh.service", "ssh.service sshd.service", "DenyUnits"],
  ["www", "", "nginx.service www.service", undefined],
  ["www", "nginx", "www.service nginx.service", "DenyUnits"],
  // Instances and their templates.
  ["", "getty@.service", "getty@tty1.service", "DenyUnits"],
  ["", "getty@*", "getty@tty1.service", "DenyUnits"],
  ["", "getty@tty2.service", "getty@tty1.service", undefined],
  ["getty@", "", "getty@tty1.service", undefined],
  ["getty@.service", "", "getty@tty1.service", undefined],
  ["getty@tty1.service", "", "getty@.service", "AllowUnits"],
  // A template stands for all its instances.
  ["", "getty@tty1.service", "getty@.service", "DenyUnits"],
  ["", "get*tty1.service", "getty@.service", "DenyUnits"],
  ["", "getty@tty[12].service", "getty@.service", "DenyUnits"],
  ["", "*.mount", "getty@.service", undefined],
  ["", "sshd@a.service", "getty@.service", undefined],
  ["", "gettys*", "getty@.service", undefined],
  // What holds other units is meant only by its own name.
  ["", "sshd", "system.slice", "DenyUnits"],
  ["*", "sshd", "system.slice", "AllowUnits"],
  ["app.slice", "sshd", "app.slice", undefined],
  ["*.slice", "", "system.slice", "AllowUnits"],
])("AllowUnits=%s DenyUnits=%s: %s", (allow, deny, names, expected) => {
  const split = (text: string) => text.split(",").filter(Boolean);
  const policy = policyOf({ AllowUnits: split(allow), DenyUnits: split(deny) });
  expect(policy.refusal(["start"], names.split(" "))).toBe(expected);
});

test("what is done to every unit needs all of them", () => {
  expect(openPolicy.refusal(["stop"], everyUnit)).toBeUndefined();
  expect(policyOf({ AllowUnits: ["*"] }).refusal(["stop"], everyUnit)).toBeUndefined();
  expect(policyOf({ AllowUnits: ["a*"] }).refusal(["stop"], everyUnit)).toBe("AllowUnits");
  expect(policyOf({ DenyUnits: ["a"] }).refusal(["stop"], everyUnit)).toBe("DenyUnits");
  expect(policyOf({ AllowVerbs: ["read-only"] }).refusal(["stop"], everyUnit)).toBe("AllowVerbs");
});

test("a slice may be looked at", () => {
  expect(policyOf({ DenyUnits: ["sshd"] }).refusal(["status"], ["system.slice"])).toBeUndefined();
});

test("start-transient is allowed beside restricted units only by its own name", () => {
  const policy = policyOf({ AllowUnits: ["a"], AllowVerbs: ["all", "start-transient"] });
  expect(policy.refusal(["start-transient"], ["a.service"])).toBeUndefined();
  expect(policy.refusal(["start-transient"], ["b.service"])).toBe("AllowUnits");
});

test("it is open only when nothing is restricted", () => {
  expect(openPolicy.isOpen).toBe(true);
  expect(policyOf({ AllowUnits: ["*"] }).isOpen).toBe(true);
  for (const some of [{ AllowUnits: ["a"] }, { DenyUnits: ["a"] }, { AllowVerbs: ["lifecycle" as const] }])
    expect(policyOf(some).isOpen).toBe(false);
});
