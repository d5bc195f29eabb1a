import { expect, test } from "bun:test";
import { parseIni } from "../../base/ini.ts";
import { nodeTerms, readControllerSettings, type Security, securityOf } from "./settings.ts";

const settings = readControllerSettings(
  parseIni(
    `[bluechi-controller]
AllowedNodeNames=b,a
[node c]
Allowed=yes
RequireTLS=yes
[node d]
RequireTLS=no
[node e]
AllowDependenciesOn=a
RequireTLS=no`,
    "controller.conf",
  ),
);

const termsOf = (security: Security, ...enrolled: string[]) =>
  nodeTerms(settings, { enrolled: new Set(enrolled), security });

test("nodes with certificates may register, too, on the terms of their sections, and come last", () => {
  expect(termsOf("both").map(({ name }) => name)).toEqual(["b", "a", "c"]);
  const terms = termsOf("both", "z", "e", "a");
  expect(terms.map(({ name }) => name)).toEqual(["b", "a", "c", "e", "z"]);
  expect([...(terms[3]?.allowedDependencies ?? [])]).toEqual(["a"]);
});

test.each<[security: Security, required: Record<string, boolean>]>([
  ["both", { b: false, a: true, c: true, e: false, z: true }],
  ["plain", { b: false, a: true, c: true, e: false, z: true }],
  ["tls", { b: true, a: true, c: true, e: true, z: true }],
])(
  "with Security=%s TLS is required of those with certificates, but where RequireTLS says otherwise",
  (security, required) => {
    const terms = termsOf(security, "a", "e", "z");
    expect(Object.fromEntries(terms.map(({ name, requireTls }) => [name, requireTls]))).toEqual(required);
  },
);

test("without Security it is TLS once there is a cluster", () => {
  expect([securityOf({ Security: undefined }, false), securityOf({ Security: undefined }, true)]).toEqual([
    "plain",
    "tls",
  ]);
  expect([securityOf({ Security: "both" }, false), securityOf({ Security: "plain" }, true)]).toEqual(["both", "plain"]);
});
