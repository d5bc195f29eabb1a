import { expect, test } from "bun:test";
import { Random } from "../../../wire/random.ts";
import { type IssuedCertificate, maxInvitations, maxNodes, Registry } from "./registry.ts";

const nowMs = 1_000_000;
const certificate = (serial: string, authority = "old", notBeforeMs = nowMs): IssuedCertificate => ({
  serial,
  notBeforeMs,
  notAfterMs: nowMs + 100,
  authority,
});
const invitation = (node: string, hash = `secret of ${node}`) =>
  ({ node, proof: "secret", hash, expiresMs: nowMs + 10 }) as const;
const approval = (node: string, hash: string) => ({ ...invitation(node, hash), proof: "key" }) as const;
const applicant = (node: string, secretHash: string | undefined, keyHash = "key") => ({ node, secretHash, keyHash });

/** A certificate that nobody has a record of. */
const began = (notBeforeMs: number) => ({ serial: "ff", notBeforeMs });

/** A registry with a node that has joined. */
function joined(node: string, serial: string): Registry {
  const registry = new Registry("home");
  const given = invitation(node);
  registry.invite(given, nowMs);
  registry.join(given, "key", certificate(serial));
  return registry;
}

test("a host becomes a node by the secret of an invitation, or by its key", () => {
  const registry = new Registry("home");
  registry.invite(invitation("pi"), nowMs);
  registry.invite(approval("nas", "key of nas"), nowMs);
  expect(registry.invitationOf(applicant("pi", "secret of pi"), nowMs)?.node).toBe("pi");
  expect(registry.invitationOf(applicant("nas", undefined, "key of nas"), nowMs)?.node).toBe("nas");
  expect(registry.invitationOf(applicant("nas", undefined, "another key"), nowMs)).toBeUndefined();
  expect(registry.members.size).toBe(0);
});

const refused: [string, Parameters<Registry["invitationOf"]>, string][] = [
  ["an unknown secret", [applicant("pi", "guess"), nowMs], "the token is not known"],
  ["a secret of another node", [applicant("nas", "secret of pi"), nowMs], "the token is for 'pi', not for 'nas'"],
  [
    "a secret that was used",
    [applicant("tv", "secret of tv", "thief"), nowMs],
    "has been used already, by another host",
  ],
  ["a secret that has expired", [applicant("pi", "secret of pi"), nowMs + 11], "the token for 'pi' has expired"],
  [
    "the key of a host that was approved, as if it were a secret",
    [applicant("nas", "key of nas", "thief"), nowMs],
    "the token is not known",
  ],
];

test.each(refused)("%s is refused", (_, question, complaint) => {
  const registry = joined("tv", "1");
  registry.invite(invitation("pi"), nowMs);
  const approved = approval("nas", "key of nas");
  registry.invite(approved, nowMs);
  registry.join(approved, "key of nas", certificate("2"));
  expect(() => registry.invitationOf(...question)).toThrow(complaint);
});

test("the same host may make use of its token again, as the answer can be lost, but not once the node is revoked", () => {
  const registry = joined("pi", "1");
  const again = registry.invitationOf(applicant("pi", "secret of pi"), nowMs);
  expect(again?.usedBy).toBe("key");
  registry.join(again!, "key", certificate("2", "old", nowMs + 1));
  expect([nowMs, nowMs + 1].map((since) => registry.believes("pi", began(since)))).toEqual([false, true]);
  registry.revoke("pi");
  expect(() => registry.invitationOf(applicant("pi", "secret of pi"), nowMs)).toThrow("the token is not known");
});

test("a certificate counts until its node is revoked, or another host joins as that", () => {
  const registry = joined("pi", "1");
  expect(registry.believes("pi", began(nowMs))).toBe(true);
  expect(registry.believes("nas", began(nowMs))).toBe(false);
  registry.renew("pi", certificate("2", "old", nowMs + 5));
  expect([nowMs - 1, nowMs, nowMs + 5].map((since) => registry.believes("pi", began(since)))).toEqual([
    false,
    true,
    true,
  ]);
  registry.revoke("pi");
  expect(registry.believes("pi", began(nowMs + 5))).toBe(false);
  expect(registry.isOut("pi")).toBe(true);
  expect([...registry.members]).toEqual([]);
  expect(() => registry.renew("pi", certificate("3"))).toThrow("has no certificate to renew");
  const again = invitation("pi", "another secret");
  registry.invite(again, nowMs);
  expect(registry.isOut("pi")).toBe(true);
  registry.join(again, "key", certificate("4", "old", nowMs + 9));
  expect(registry.isOut("pi")).toBe(false);
  expect([nowMs + 5, nowMs + 9].map((since) => registry.believes("pi", began(since)))).toEqual([false, true]);
});

test("another host takes a node's place for good, however far the clock was set back", () => {
  let registry = joined("pi", "1");
  const [late, early] = [certificate("1"), (serial: string) => certificate(serial, "old", nowMs - 1000)];
  registry.revoke("pi");
  for (const serial of ["2", "3"]) {
    const again = invitation("pi", `secret ${serial}`);
    registry.invite(again, nowMs - 1000);
    registry.join(again, `key ${serial}`, early(serial));
    registry = Registry.parse(registry.print());
  }
  expect([late, early("2"), early("3")].map((one) => registry.believes("pi", one))).toEqual([false, false, true]);
  const on = invitation("pi", "secret 4");
  registry.invite(on, nowMs);
  registry.join(on, "key 4", certificate("4", "old", nowMs + 1));
  expect(registry.print()).not.toContain('"serial": "3"');
});

test("a standby that has a copy believes what was renewed since", () => {
  const copy = Registry.parse(joined("pi", "1").print());
  expect(copy.believes("pi", began(nowMs + 1_000_000))).toBe(true);
});

test("a node that never had a certificate can be put out, too", () => {
  const registry = new Registry("home");
  registry.revoke("pi");
  expect(registry.isOut("pi")).toBe(true);
  expect(registry.nodes).toEqual([{ node: "pi", revoked: true, newest: undefined }]);
});

test("those are told that have no certificate of an authority", () => {
  const registry = joined("pi", "1");
  for (const node of ["nas", "tv", "out"]) {
    const given = invitation(node);
    registry.invite(given, nowMs);
    registry.join(given, "key", certificate(node));
  }
  registry.renew("tv", certificate("2", "new"));
  registry.revoke("out");
  expect(registry.without("new", nowMs)).toEqual(["nas", "pi"]);
  expect(registry.without("new", nowMs + 101)).toEqual([]);
});

test("there is a bound for invitations, and for nodes", () => {
  const registry = new Registry("home");
  for (let index = 0; index < maxInvitations; index++) registry.invite(invitation(`${index}`), nowMs);
  expect(() => registry.invite(invitation("one more"), nowMs)).toThrow(`${maxInvitations} invitations are open`);
  // One in place of another is none more, and those that have ended make room.
  registry.invite(invitation("1", "new secret"), nowMs);
  expect(registry.openInvitations(nowMs)).toHaveLength(maxInvitations);
  registry.invite({ ...invitation("one more"), expiresMs: nowMs + 30 }, nowMs + 20);
  expect(registry.openInvitations(nowMs + 20)).toHaveLength(1);
  for (let index = 0; index < maxNodes; index++) registry.revoke(`${index}`);
  expect(() => registry.revoke("one more")).toThrow(`${maxNodes} nodes are known already`);
  expect(() => registry.invite(invitation("another"), nowMs)).toThrow(`${maxNodes} nodes are known already`);
  registry.revoke("1");
});

test("whatever happened, it is the same when it was printed and read", () => {
  for (let seed = 1; seed <= 50; seed++) {
    const random = new Random(seed);
    const registry = new Registry("home");
    for (let step = 0; step < 40; step++) {
      const node = `n${random.below(5)}`;
      const given = { ...invitation(node), hash: `${step}` };
      const before = registry.changes;
      switch (random.below(4)) {
        case 0:
          registry.invite(given, nowMs);
          break;
        case 1:
          registry.invite(given, nowMs);
          registry.join(given, `key ${step}`, certificate(`${step}`));
          break;
        case 2:
          if (registry.members.has(node)) registry.renew(node, certificate(`${step}`));
          else continue;
          break;
        default:
          registry.revoke(node);
      }
      expect(registry.changes).toBeGreaterThan(before);
      const read = Registry.parse(registry.print());
      expect(read.print()).toBe(registry.print());
      // Nobody is a member and out, and only a member's certificates are believed.
      for (const { node: name, revoked, newest } of read.nodes) {
        expect(read.members.has(name)).toBe(!revoked);
        if (newest) expect(read.believes(name, newest)).toBe(!revoked);
      }
    }
  }
});

test.each([
  "",
  "null",
  "{}",
  '{"version":2}',
  '{"version":1,"cluster":1,"nodes":{},"invitations":[]}',
  '{"version":1,"cluster":"home","nodes":{"pi":{}},"invitations":[]}',
  '{"version":1,"cluster":"home","nodes":{"pi":{"sinceMs":0,"newest":{"serial":1}}},"invitations":[]}',
  '{"version":1,"cluster":"home","nodes":{"pi":null},"invitations":[]}',
  '{"version":1,"cluster":"home","nodes":{},"invitations":[{"node":"pi"}]}',
  '{"version":1,"cluster":"home","nodes":{},"invitations":[{"node":"pi","proof":"","hash":"","expiresMs":0}]}',
  '{"version":1,"cluster":"home","nodes":{},"invitations":{}}',
])("%s is no registry", (text) => {
  expect(() => Registry.parse(text)).toThrow();
});
