import { afterAll, expect, spyOn, test } from "bun:test";
import { createPrivateKey, createPublicKey } from "node:crypto";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { Log } from "../../src/base/log.ts";
import { type Certificate, readCertificate } from "../../src/identity/certificate.ts";
import { judge } from "../../src/identity/judge.ts";
import { keyFingerprint, makeKey, makeRequest } from "../../src/identity/request.ts";
import { parseToken } from "../../src/identity/token.ts";
import { Cluster } from "../../src/roles/controller/cluster/cluster.ts";

const top = mkdtempSync(join(tmpdir(), "bluechi-cluster-"));
afterAll(() => rmSync(top, { recursive: true }));
const day = 24 * 3600_000;
let count = 0;

/** A controller's cluster in a folder of its own, on a clock of its own. */
class World {
  readonly folder = join(top, `${++count}`);
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly told: string[] = [];
  readonly log = new Log({ level: "INFO", target: "stderr", write: (line) => this.lines.push(line.trimEnd()) });
  cluster!: Cluster;

  /** Starts the controller, again if it was started before. */
  async start(folder: string | undefined = this.folder): Promise<this> {
    this.cluster?.close();
    this.cluster = await Cluster.open({ folder, clock: this.clock, log: this.log, lifetimeMs: () => 90 * day });
    this.cluster.listen({
      changed: () => this.told.push("changed"),
      ended: (node, reason) => this.told.push(`${node}: ${reason}`),
    });
    return this;
  }

  async init(): Promise<this> {
    await this.start();
    await this.cluster.init("home");
    this.told.length = 0;
    return this;
  }

  get nowMs(): number {
    return Number(this.clock.realtimeUs() / 1000n);
  }

  /** Asks to join, from an address of its own each time. */
  ask(node: string, key: string, secret: Uint8Array = new Uint8Array(0), peer = `10.0.0.${++count % 256}`) {
    return this.cluster.enrolment.enrol({ node, secret, request: makeRequest(key), peer, secure: true });
  }

  /** Invites a host and has it join. @returns its certificate. */
  async join(node: string, key = makeKey()): Promise<Certificate> {
    const token = parseToken(await this.cluster.enrolment.invite(node, 60_000, ["laptop:843"]));
    const answer = await this.ask(node, key, token.secret);
    if (!("certificate" in answer)) throw new Error("no certificate");
    return readCertificate(answer.certificate);
  }

  judge(certificate: Certificate) {
    const { authorities = [], cluster } = this.cluster.credentials ?? {};
    const isRevoked = (other: Certificate) => this.cluster.isRevoked(other);
    return judge(certificate, { authorities, role: "node", cluster, nowMs: this.nowMs, isRevoked });
  }
}

test("there is no cluster until one is made, and it is the same after a restart", async () => {
  const world = await new World().start();
  expect(world.cluster.credentials).toBeUndefined();
  await expect(world.cluster.enrolment.invite("pi", 1000, ["a:843"])).rejects.toThrow("there is no cluster yet");
  await expect(world.cluster.init("Home")).rejects.toThrow("'Home' is no name for a cluster");
  expect(existsSync(world.folder)).toBe(false);
  const fingerprint = await world.cluster.init("home");
  expect(world.told).toEqual(["changed"]);
  await expect(world.cluster.init("other")).rejects.toThrow("there is a cluster already: 'home'");
  expect(statSync(world.folder).mode & 0o777).toBe(0o700);
  expect(readdirSync(world.folder).sort()).toEqual(["authority.pem", "controller.pem", "registry.json"]);
  for (const name of readdirSync(world.folder)) expect(statSync(join(world.folder, name)).mode & 0o777).toBe(0o600);
  const { credentials } = world.cluster;
  await world.start();
  expect(world.cluster.name).toBe("home");
  expect(world.cluster.authorities?.current.fingerprint).toBe(fingerprint);
  expect(world.cluster.credentials).toMatchObject({ certificate: credentials!.certificate, key: credentials!.key });
  expect(world.clock.pending).toBe(1);
});

test("without a folder there is no cluster, and none can be made", async () => {
  const world = new World();
  world.cluster = await Cluster.open({ folder: undefined, clock: world.clock, log: world.log, lifetimeMs: () => day });
  await expect(world.cluster.init("home")).rejects.toThrow("no $STATE_DIRECTORY");
});

const damages: [string, (folder: string) => void, string][] = [
  ["no registry", (folder) => rmSync(join(folder, "registry.json")), "registry.json is missing"],
  ["half a registry", (folder) => halve(join(folder, "registry.json")), "registry.json is damaged"],
  ["an empty registry", (folder) => writeFileSync(join(folder, "registry.json"), ""), "registry.json is damaged"],
  ["no authority", (folder) => rmSync(join(folder, "authority.pem")), "authority.pem is missing"],
  [
    "half an authority",
    (folder) => halve(join(folder, "authority.pem")),
    "authority.pem does not have a certificate and its key",
  ],
  ["no certificate", (folder) => rmSync(join(folder, "controller.pem")), "controller.pem is missing"],
  [
    "a folder and nothing in it",
    (folder) => readdirSync(folder).map((name) => rmSync(join(folder, name))),
    "registry.json is missing",
  ],
  [
    "another's key",
    (folder) => {
      const path = join(folder, "controller.pem");
      writeFileSync(path, readFileSync(path, "utf8").replace(/-----BEGIN PRIVATE KEY.*/s, makeKey()));
    },
    "controller.pem does not have a certificate and its key",
  ],
  [
    "an authority as the controller's certificate",
    (folder) => writeFileSync(join(folder, "controller.pem"), readFileSync(join(folder, "authority.pem"))),
    "controller.pem is not for the controller of 'home'",
  ],
];

function halve(path: string): void {
  const text = readFileSync(path, "utf8");
  writeFileSync(path, text.slice(0, text.length / 2));
}

test.each(damages)(
  "a controller that had a cluster and finds %s does not go on without",
  async (_, damage, complaint) => {
    const world = await new World().init();
    damage(world.folder);
    await expect(world.start()).rejects.toThrow(`the cluster in '${world.folder}' cannot be used: ${complaint}`);
  },
);

test("a host joins by its token, and is a node after a restart, too", async () => {
  const world = await new World().init();
  const text = await world.cluster.enrolment.invite("pi", 15 * 60_000, ["laptop:843", "[::1]:843"]);
  const token = parseToken(text);
  expect(token).toMatchObject({ cluster: "home", node: "pi", addresses: ["laptop:843", "[::1]:843"] });
  expect(token.authority).toBe(world.cluster.authorities!.current.fingerprint);
  expect(world.cluster.enrolment.invitations).toMatchObject([{ node: "pi", expiresMs: world.nowMs + 15 * 60_000 }]);
  // What is kept does not let anybody join.
  expect(readFileSync(join(world.folder, "registry.json"), "utf8")).not.toContain(
    Buffer.from(token.secret).toString("hex"),
  );
  await world.start();
  const key = makeKey();
  const answer = await world.ask("pi", key, token.secret);
  if (!("certificate" in answer)) throw new Error("no certificate");
  expect(answer).toMatchObject({ cluster: "home", authorities: [world.cluster.authorities!.current.pem] });
  expect([...world.cluster.nodes]).toEqual(["pi"]);
  expect(world.told).toContain("changed");
  expect(world.cluster.enrolment.invitations).toEqual([]);
  await world.start();
  const certificate = readCertificate(answer.certificate);
  expect(world.judge(certificate)).toEqual({ cluster: "home", role: "node", node: "pi" });
  expect(world.cluster.certified).toMatchObject([
    { node: "pi", state: "valid", certificate: { serial: certificate.serial } },
  ]);
  await expect(world.ask("pi", makeKey(), token.secret)).rejects.toThrow("has been used already, by another host");
  await expect(world.ask("nas", key, token.secret)).rejects.toThrow("the token is for 'pi', not for 'nas'");
  expect("certificate" in (await world.ask("pi", key, token.secret))).toBe(true);
  expect(world.lines.at(-2)).toContain("to join as 'nas' refused: the token is for 'pi', not for 'nas'");
});

test("who may not join is refused, and it is logged", async () => {
  const world = await new World().init();
  const secret = parseToken(await world.cluster.enrolment.invite("pi", 1000, ["laptop:843"])).secret;
  const request: Uint8Array = makeRequest(makeKey());
  const application = { node: "pi", secret, request, peer: "10.0.0.9", secure: true };
  const { enrolment } = world.cluster;
  await expect(enrolment.enrol({ ...application, secure: false })).rejects.toThrow("only who has connected with TLS");
  await expect(enrolment.enrol({ ...application, request: request.slice(1) })).rejects.toThrow(
    "not a certificate signing request",
  );
  await expect(enrolment.enrol({ ...application, secret: secret.with(0, secret[0]! ^ 1) })).rejects.toThrow(
    "not known",
  );
  await expect(enrolment.enrol({ ...application, node: "" })).rejects.toThrow("1 to 255 bytes");
  world.clock.advance(1001);
  await expect(enrolment.enrol(application)).rejects.toThrow("the token for 'pi' has expired");
  expect([...world.cluster.nodes]).toEqual([]);
  expect(world.lines.filter((line) => line.includes("'10.0.0.9' to join as 'pi' refused"))).toHaveLength(1);
  world.cluster.close();
  expect(world.lines.at(-1)).toContain("the token for 'pi' has expired (the last of 4 more)");
  await expect(enrolment.invite("pi", 0, ["a:1"])).rejects.toThrow("of up to 30 days");
  await expect(enrolment.invite("pi", 31 * day, ["a:1"])).rejects.toThrow("of up to 30 days");
});

test("without a token somebody has to decide, by the key", async () => {
  const world = await new World().init();
  const [key, thief] = [makeKey(), makeKey()];
  expect(await world.ask("pi", key)).toEqual({ retryMs: 5000 });
  expect(await world.ask("pi", thief)).toEqual({ retryMs: 5000 });
  const { enrolment } = world.cluster;
  expect(enrolment.pending.map(({ fingerprint }) => fingerprint)).toEqual([key, thief].map(keyFingerprint));
  await expect(enrolment.approve("pi", "")).rejects.toThrow("the first 16 digits of the key");
  await enrolment.approve("pi", keyFingerprint(key).slice(0, 16));
  enrolment.deny("pi");
  await expect(world.ask("pi", thief)).rejects.toThrow("was denied");
  // Its public key, which anybody may know, is no secret.
  const known = createPublicKey(createPrivateKey(key)).export({ type: "spki", format: "der" });
  await expect(world.ask("pi", thief, new Uint8Array(known))).rejects.toThrow("the token is not known");
  await world.start();
  const answer = await world.ask("pi", key);
  expect("certificate" in answer).toBe(true);
  expect(world.cluster.enrolment.pending).toEqual([]);
});

test("a revoked node is out, after a restart, too, until it joins again", async () => {
  const world = await new World().init();
  const key = makeKey();
  const certificate = await world.join("pi", key);
  world.told.length = 0;
  await world.cluster.revoke("pi", { configured: false });
  expect(world.told).toEqual(["pi: node 'pi' has been revoked", "changed"]);
  for (let restarts = 0; restarts < 2; restarts++) {
    expect(() => world.judge(certificate)).toThrow("the certificate of node 'pi' has been revoked");
    expect(world.cluster.isOut("pi")).toBe(true);
    expect([...world.cluster.nodes]).toEqual([]);
    await expect(world.cluster.renew("pi", makeRequest(key))).rejects.toThrow(
      "has no certificate that could be renewed",
    );
    await world.start();
  }
  world.clock.advance(1000);
  const fresh = await world.join("pi");
  expect(world.judge(fresh).node).toBe("pi");
  expect(() => world.judge(certificate)).toThrow("has been revoked");
});

test("a name that nobody knows is not revoked, as it may be misspelt", async () => {
  const world = await new World().init();
  const unknown = { configured: false };
  await expect(world.cluster.revoke("typo", unknown)).rejects.toThrow("there is no node 'typo'");
  expect([world.cluster.certified, world.told]).toEqual([[], []]);
  await world.cluster.enrolment.invite("invited", 60_000, ["laptop:843"]);
  await world.cluster.revoke("invited", unknown);
  await world.cluster.revoke("invited", unknown);
  await world.cluster.revoke("plain", { configured: true });
  expect(world.cluster.certified.map(({ node, state }) => `${node} ${state}`)).toEqual([
    "invited revoked",
    "plain revoked",
  ]);
});

test("a node that joins again takes the place of the host that was it", async () => {
  const world = await new World().init();
  const before = await world.join("pi");
  world.told.length = 0;
  world.clock.advance(1000);
  await world.join("pi");
  expect(world.told).toContain("pi: another host has joined as 'pi'");
  expect(() => world.judge(before)).toThrow("has been revoked");
});

test("a certificate that is renewed lives on as another one, with another key", async () => {
  const world = await new World().init();
  const before = await world.join("pi");
  world.clock.advance(60 * day);
  const { certificate, authorities } = await world.cluster.renew("pi", makeRequest(makeKey()));
  expect(authorities).toEqual(world.cluster.trusted);
  const after = readCertificate(certificate);
  expect([world.judge(before).node, world.judge(after).node]).toEqual(["pi", "pi"]);
  world.clock.advance(31 * day);
  expect(() => world.judge(before)).toThrow("has expired");
  expect(world.judge(after).node).toBe("pi");
  expect(world.cluster.certified).toMatchObject([{ state: "valid" }]);
  world.clock.advance(60 * day);
  expect(world.cluster.certified).toMatchObject([{ state: "expired" }]);
});

test("the controller's own certificate renews itself at two thirds of its life, and when it was off meanwhile", async () => {
  const world = await new World().init();
  const own = () => readCertificate(world.cluster.credentials!.certificate);
  const first = own();
  world.clock.advance(59 * day);
  expect(own().serial).toBe(first.serial);
  const renewed = Promise.withResolvers<void>();
  world.cluster.listen({ changed: renewed.resolve, ended: () => {} });
  world.clock.advance(1.5 * day);
  await renewed.promise;
  const second = own();
  expect(world.cluster.credentials).toBe(world.cluster.credentials!);
  expect(second.serial).not.toBe(first.serial);
  expect(second.notAfterMs).toBeGreaterThan(world.nowMs + 89 * day);
  world.cluster.close();
  world.clock.advance(200 * day);
  await world.start();
  expect(own().notAfterMs).toBeGreaterThan(world.nowMs + 89 * day);
});

test("who renews while a rotation ends is answered with whom to trust from then on", async () => {
  const world = await new World().init();
  await world.join("pi");
  await world.cluster.rotate();
  world.clock.advance(6000);
  const told = Promise.withResolvers<void>();
  world.cluster.listen({ changed: told.resolve, ended: () => {} });
  const later = spyOn(globalThis, "setImmediate");
  const writes: (() => void)[] = [];
  later.mockImplementation(((write: () => void) => writes.push(write)) as unknown as typeof setImmediate);
  try {
    const renewed = world.cluster.renew("pi", makeRequest(makeKey()));
    const finished = world.cluster.finishRotation(false);
    // All nodes are told before the renewal is on the disk.
    await told.promise;
    for (const write of writes.splice(0)) write();
    expect((await renewed).authorities).toEqual([world.cluster.authorities!.current.pem]);
    await finished;
  } finally {
    later.mockRestore();
  }
});

test("an authority gives way to another one while nodes renew; who has not done so is named", async () => {
  const world = await new World().init();
  const key = makeKey();
  const [pi, nas] = [await world.join("pi", key), await world.join("nas")];
  const [old] = world.cluster.trusted;
  await expect(world.cluster.finishRotation(false)).rejects.toThrow("no rotation is under way");
  await world.cluster.rotate();
  await expect(world.cluster.rotate()).rejects.toThrow("a rotation is under way");
  for (let restarts = 0; restarts < 2; restarts++) {
    expect(world.cluster.trusted).toHaveLength(2);
    expect(world.cluster.trusted[0]).toBe(old!);
    // Who has been away knows the old one only.
    expect(world.cluster.credentials?.certificate.endsWith(old!)).toBe(true);
    expect(world.cluster.missing).toEqual(["nas", "pi"]);
    expect([world.judge(pi).node, world.judge(nas).node]).toEqual(["pi", "nas"]);
    await world.start();
  }
  // Who joins now believes what the controller shows.
  const token = parseToken(await world.cluster.enrolment.invite("tv", 1000, ["a:843"]));
  expect(token.authority).toBe(readCertificate(old!).fingerprint);
  await expect(world.cluster.renew("pi", makeRequest(key))).rejects.toThrow("has been given a certificate just now");
  world.clock.advance(6000);
  const { certificate } = await world.cluster.renew("pi", makeRequest(key));
  expect(world.cluster.missing).toEqual(["nas"]);
  await expect(world.cluster.finishRotation(false)).rejects.toThrow("would have to join again: nas; wait until");
  world.told.length = 0;
  await world.cluster.finishRotation(true);
  expect(world.told).toEqual(["changed", "nas: its certificate is of an authority that is trusted no more"]);
  for (let restarts = 0; restarts < 2; restarts++) {
    expect(world.cluster.trusted).toEqual([world.cluster.authorities!.current.pem]);
    expect(world.cluster.credentials?.certificate.endsWith(world.cluster.trusted[0]!)).toBe(true);
    expect(world.judge(readCertificate(certificate)).node).toBe("pi");
    expect(() => world.judge(pi)).toThrow("not made by an authority that is trusted here");
    expect(() => world.judge(nas)).toThrow("not made by an authority that is trusted here");
    await world.start();
  }
  expect(readdirSync(world.folder)).not.toContain("retiring.pem");
});

test("changes at the same time are made one after the other, and all are kept", async () => {
  const world = await new World().init();
  const names = Array.from({ length: 20 }, (_, index) => `n${index}`);
  const joining = names.map((name) => world.join(name));
  const revoked = Promise.all(joining).then(() => world.cluster.revoke("n3", { configured: false }));
  await Promise.all([...joining, revoked]);
  await world.start();
  expect([...world.cluster.nodes].sort()).toEqual(names.filter((name) => name !== "n3").sort());
});

test("what cannot be kept is not granted", async () => {
  const world = await new World().init();
  rmSync(world.folder, { recursive: true });
  await expect(world.cluster.enrolment.invite("pi", 1000, ["a:843"])).rejects.toThrow(
    "the change cannot be kept: ENOENT",
  );
});
