// Whose certificate counts, on real hosts: each that is wrong is refused in words on both sides, those that are due are renewed.
import { afterAll, beforeAll, expect } from "bun:test";
import { mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { issue, makeAuthority } from "../../src/identity/issuer.ts";
import { makeKey, makeRequest } from "../../src/identity/request.ts";
import type { Subject } from "../../src/identity/subject.ts";
import { parseToken } from "../../src/identity/token.ts";
import { Cluster as Membership } from "../../src/roles/controller/cluster/cluster.ts";
import { testsOn } from "../testbed/host-test.ts";
import { Cluster } from "./cluster.ts";
import { reload } from "./reloading.ts";

const cluster = await Cluster.start(["main", "pi", "nas"]);
const test = testsOn(cluster.lab);
const { main } = cluster;
const [pi, nas] = [cluster.host("pi"), cluster.host("nas")];
const day = 24 * 3600_000;
const longMs = 120_000;

/** The controller's folder, made here, so that certificates can be made here that no controller would make. */
const folder = join(mkdtempSync(join(tmpdir(), "bluechi-certificates-")), "cluster");
const kept = "/var/lib/bluechi/cluster";
const identity = "/var/lib/bluechi-agent/identity";

afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await cluster.close();
});

interface Pair {
  readonly certificate: string;
  readonly key: string;
}

function authorityOf(path: string): Pair {
  const [certificate = "", key = ""] = readFileSync(path, "utf8").split(/(?=-----BEGIN PRIVATE KEY)/);
  return { certificate, key };
}

/** Makes a certificate for a subject, and a key. */
async function certify(
  subject: Subject,
  { issuer = authorityOf(join(folder, "authority.pem")), nowMs = Date.now(), lifetimeMs = day } = {},
): Promise<Pair> {
  const key = makeKey();
  const order = { authorityPem: issuer.certificate, authorityKeyPem: issuer.key, subject, request: makeRequest(key) };
  return { certificate: await issue({ ...order, nowMs, lifetimeMs }), key };
}

const node = (name: string): Subject => ({ cluster: "lab", role: "node", node: name });

/** Gives an agent, that of pi if nothing else is said, an identity, and starts it again. */
async function give({ certificate, key }: Pair, host = pi): Promise<void> {
  await host.write(`${identity}/key.pem`, key, 0o600);
  await host.write(`${identity}/certificate.pem`, certificate, 0o600);
  await host.write(`${identity}/authorities.pem`, authorityOf(join(folder, "authority.pem")).certificate, 0o600);
  await host.sh("systemctl restart bluechi-agent");
}

/** What a unit has logged since this is called, when it is asked for. */
async function logSince(host: typeof pi, unit: string): Promise<() => Promise<string>> {
  const before = (await host.journal(unit)).length;
  return async () => (await host.journal(unit)).slice(before);
}

/** Copies the controller's folder to its host, and starts it again. */
async function install(): Promise<void> {
  await main.sh(`systemctl stop bluechi-controller; rm -rf ${kept}`);
  for (const name of readdirSync(folder)) await main.write(`${kept}/${name}`, readFileSync(join(folder, name)), 0o600);
  // As whoever the service runs as.
  await main.sh(`chown -R --reference=/var/lib/bluechi ${kept}; chmod 700 ${kept}; systemctl start bluechi-controller`);
}

beforeAll(async () => {
  const log = new Log({ write: () => {} });
  const membership = await Membership.open({ folder, clock: systemClock, log, lifetimeMs: () => day });
  await membership.init("lab");
  for (const name of ["main", "pi", "nas"]) {
    const { secret } = parseToken(await membership.enrolment.invite(name, day, ["main:843"]));
    const request = makeRequest(makeKey());
    await membership.enrolment.enrol({ node: name, secret, request, peer: "", secure: true });
  }
  membership.close();
  // Whom the registry knows since now; a certificate of before would be one of the host that was pi before.
  const path = join(folder, "registry.json");
  const registry = JSON.parse(readFileSync(path, "utf8"));
  for (const entry of Object.values<{ sinceMs: number }>(registry.nodes)) entry.sinceMs = 0;
  await Bun.write(path, JSON.stringify(registry));
  await install();
}, longMs);

test("an agent with a good certificate is let in with TLS, and the plain port is closed", async () => {
  await give(await certify(node("pi")));
  await cluster.online("pi");
  expect(await pi.sh("ss -tnH state established '( dport = :843 )'")).not.toBe("");
  expect(await main.sh("ss -tlnH '( sport = :842 )'")).toBe("");
});

const wrong: [what: string, make: () => Promise<Pair>, complaint: string][] = [
  [
    "of a foreign authority",
    async () => {
      const key = makeKey();
      return certify(node("pi"), { issuer: { certificate: await makeAuthority("lab", key), key } });
    },
    "the certificate was not made by an authority that is trusted here",
  ],
  [
    "made by a node",
    async () => certify(node("pi"), { issuer: await certify(node("main")) }),
    "the certificate was not made by an authority that is trusted here",
  ],
  [
    "that has expired",
    () => certify(node("pi"), { nowMs: Date.now() - 2 * day }),
    "the certificate of node 'pi' has expired at",
  ],
  [
    "that is not valid yet",
    () => certify(node("pi"), { nowMs: Date.now() + day }),
    "the certificate of node 'pi' is not valid before",
  ],
  ["of another node", () => certify(node("main")), "the certificate is that of node 'main', not of 'pi'"],
  [
    "of a node that has not joined",
    () => certify(node("stranger")),
    "the certificate of node 'stranger' has been revoked",
  ],
  [
    "of the controller",
    async () => authorityOf(join(folder, "controller.pem")),
    "the certificate of the controller of 'lab' is not for use as a node",
  ],
];

for (const [what, make, complaint] of wrong) {
  test(`a certificate ${what} is refused, and both sides say why`, async () => {
    const [atAgent, atController] = [await logSince(pi, "bluechi-agent"), await logSince(main, "bluechi-controller")];
    await give(await make());
    await pi.until("the agent to say why", async () => (await atAgent()).includes(complaint));
    await main.until("the controller to say why", async () => (await atController()).includes(complaint));
    expect((await cluster.ctl("status", "pi")).stdout).toContain("| offline");
  });
}

test("an agent of another cluster does not believe the controller", async () => {
  const said = await logSince(pi, "bluechi-agent");
  await give(await certify({ cluster: "car", role: "node", node: "pi" }));
  const complaint = "the certificate of the controller of 'lab' is of the cluster 'lab', this is 'car'";
  await pi.until("the agent to say why", async () => (await said()).includes(complaint));
});

test("a controller that shows a node's certificate is refused by the agent", async () => {
  const good = await certify(node("pi"));
  await give(good);
  await cluster.online("pi");
  const said = await logSince(pi, "bluechi-agent");
  const stolen = await certify(node("pi"));
  // Its own program would not start with that: another one listens in its place.
  await main.sh("systemctl stop bluechi-controller");
  const chain = stolen.certificate + authorityOf(join(folder, "authority.pem")).certificate;
  await main.write("/root/rogue.pem", chain);
  await main.write("/root/rogue.key", stolen.key);
  const rogue = main.spawn(
    "openssl s_server -accept 843 -tls1_3 -cert /root/rogue.pem -cert_chain /root/rogue.pem -key /root/rogue.key -quiet".split(
      " ",
    ),
  );
  await pi.until("the agent to say why", async () =>
    /rejected|purpose|is not for use as the controller/.test(await said()),
  );
  // The port is free then.
  await rogue.close();
  await main.sh("systemctl start bluechi-controller");
  await cluster.online("pi");
});

test("a certificate that is due is renewed over the link, which goes on, and counts for the next one", async () => {
  const lifetimeMs = 300_000;
  await main.write("/etc/bluechi/controller.conf.d/zz.conf", "[bluechi-controller]\nCertificateLifetime=3600\n");
  await reload(main, "controller");
  const due = await certify(node("pi"), { nowMs: Date.now() - 0.7 * lifetimeMs, lifetimeMs });
  const said = await logSince(pi, "bluechi-agent");
  await give(due);
  await cluster.online("pi");
  await pi.until(
    "the agent to renew it",
    async () => (await said()).includes("The certificate of this node is renewed"),
    longMs,
  );
  expect((await said()).split("Connected to controller as").length).toBe(2);
  const dates = await pi.sh(`openssl x509 -in ${identity}/certificate.pem -noout -enddate -checkend 3000`);
  expect(dates).toContain("Certificate will not expire");
  expect(await pi.read(`${identity}/key.pem`)).not.toBe(due.key);
  expect(await pi.sh(`stat -c %a ${identity}/*`)).toBe("600\n600\n600\n");
  await pi.sh("systemctl restart bluechi-agent");
  await cluster.online("pi");
  await main.sh("rm /etc/bluechi/controller.conf.d/zz.conf");
  await reload(main, "controller");
});

test("the controller renews its own certificate when it is due, and shows it without a restart of the agents", async () => {
  const lifetimeMs = day;
  const { certificate, key } = await certify(
    { cluster: "lab", role: "controller" },
    { nowMs: Date.now() - 0.7 * lifetimeMs, lifetimeMs },
  );
  await main.write(`${kept}/controller.pem`, certificate + key, 0o600);
  await main.sh(`chown --reference=${kept} ${kept}/controller.pem`);
  const said = await logSince(main, "bluechi-controller");
  await main.sh("systemctl restart bluechi-controller");
  await cluster.online("pi");
  expect(await said()).toContain("Renewed the controller's certificate");
  const shown = await main.sh(
    "openssl s_client -connect localhost:843 -tls1_3 </dev/null 2>/dev/null | openssl x509 -noout -checkend 7000000",
  );
  expect(shown).toContain("Certificate will not expire");
});

test("a controller whose cluster is damaged says so, and does not go on plainly", async () => {
  const registry = await main.read(`${kept}/registry.json`);
  await main.write(`${kept}/registry.json`, registry.slice(0, registry.length / 2), 0o600);
  const said = await logSince(main, "bluechi-controller");
  expect((await main.run(["systemctl", "restart", "bluechi-controller"])).status).not.toBe(0);
  expect(await said()).toContain(`the cluster in '${kept}' cannot be used: registry.json is damaged`);
  expect(await main.sh("ss -tlnH '( sport = :842 or sport = :843 )'")).toBe("");
  await main.write(`${kept}/registry.json`, registry, 0o600);
  await main.sh(`chown --reference=${kept} ${kept}/registry.json`);
  await main.sh("systemctl reset-failed bluechi-controller; systemctl start bluechi-controller");
  await cluster.online("pi");
});

test("a node that is revoked is cut off at once, and does not come back without TLS either", async () => {
  await main.write(
    "/etc/bluechi/controller.conf.d/zz.conf",
    "[bluechi-controller]\nSecurity=both\n[node main]\nRequireTLS=no\n",
  );
  await reload(main, "controller");
  await cluster.online("main");
  expect((await cluster.ctl("node", "revoke", "main")).status).toBe(0);
  expect((await cluster.ctl("status", "main")).stdout).toContain("| offline");
  const said = await logSince(main, "bluechi-agent");
  await main.sh("systemctl restart bluechi-agent");
  await main.until("a refusal", async () => (await said()).includes("Node 'main' has been revoked"));
  expect((await cluster.ctl("status", "main")).stdout).toContain("| offline");
  await main.sh("rm /etc/bluechi/controller.conf.d/zz.conf");
  await reload(main, "controller");
});

test("the authority is replaced while nodes go on, and one that was away learns of it when it is back", async () => {
  const before = await certify(node("pi"));
  await give(before);
  await give(await certify(node("nas")), nas);
  await cluster.online("nas");
  await nas.sh("systemctl stop bluechi-agent");
  const count = async (host: typeof pi) => (await host.read(`${identity}/authorities.pem`)).split("BEGIN").length - 1;
  const finish = () => cluster.ctl("cluster", "rotate-ca", "--finish");
  expect((await cluster.ctl("cluster", "rotate-ca")).status).toBe(0);
  const lacking = "would have to join again: ";
  await main.until(
    "all but nas to have new ones",
    async () => (await finish()).stderr.includes(`${lacking}nas`),
    longMs,
  );
  expect(await count(pi)).toBe(2);
  const [atPi, atNas] = [await logSince(pi, "bluechi-agent"), await logSince(nas, "bluechi-agent")];
  await nas.sh("systemctl start bluechi-agent");
  await cluster.online("nas");
  await main.until("nas to have a new one, too", async () => (await finish()).status === 0, longMs);
  await pi.until("one authority", async () => (await count(pi)) === 1);
  await nas.until("one authority", async () => (await count(nas)) === 1);
  expect(await atNas()).toContain("The certificate of this node is renewed");
  for (const said of [await atPi(), await atNas()]) expect(said).not.toContain("Disconnected");
  await main.sh("systemctl restart bluechi-controller");
  for (const name of ["pi", "nas"]) await cluster.online(name);
  // What the old authority has made counts no more.
  const said = await logSince(main, "bluechi-controller");
  await pi.write(`${identity}/key.pem`, before.key, 0o600);
  await pi.write(`${identity}/certificate.pem`, before.certificate, 0o600);
  await pi.sh("systemctl restart bluechi-agent");
  const complaint = "the certificate was not made by an authority that is trusted here";
  await main.until("a refusal", async () => (await said()).includes(complaint));
});
