// A node's certificate over its life: an agent's identity on one side, a controller's cluster on the other, and time.
import { afterAll, expect, test } from "bun:test";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { FakeClock } from "../../src/base/fake-clock.ts";
import { Log } from "../../src/base/log.ts";
import { readCertificate } from "../../src/identity/certificate.ts";
import { IdentityFolder, ownCertificate } from "../../src/identity/credentials.ts";
import { makeKey, makeRequest } from "../../src/identity/request.ts";
import { parseToken } from "../../src/identity/token.ts";
import { Identity, trusting } from "../../src/roles/agent/identity.ts";
import type { ControllerSession } from "../../src/roles/agent/link.ts";
import { Cluster } from "../../src/roles/controller/cluster/cluster.ts";
import { until } from "../testbed/until.ts";
import { handlersOf } from "../wire/handlers.ts";

const top = mkdtempSync(join(tmpdir(), "bluechi-renewal-"));
afterAll(() => rmSync(top, { recursive: true }));
const day = 24 * 3600_000;
let count = 0;

/** A node that has joined, and what it asks its controller for. */
class World {
  readonly clock = new FakeClock();
  readonly lines: string[] = [];
  readonly log = new Log({ level: "INFO", target: "stderr", write: (line) => this.lines.push(line.trimEnd()) });
  readonly folder = new IdentityFolder(join(top, `${++count}`));
  readonly identity = new Identity({ folder: this.folder, clock: this.clock, log: this.log, random: () => 0.5 });
  cluster!: Cluster;
  asked = 0;
  /** What the controller does with a request. */
  answer = (request: Uint8Array) => this.cluster.renew("pi", request);

  async start(): Promise<this> {
    const folder = join(top, `${++count}`);
    this.cluster = await Cluster.open({ folder, clock: this.clock, log: this.log, lifetimeMs: () => 90 * day });
    await this.cluster.init("home");
    const { enrolment } = this.cluster;
    const { secret } = parseToken(await enrolment.invite("pi", 60_000, ["laptop:843"]));
    const key = makeKey();
    this.folder.prepare(key);
    const answer = await enrolment.enrol({ node: "pi", secret, request: makeRequest(key), peer: "pi", secure: true });
    if (!("certificate" in answer)) throw new Error("no certificate");
    this.folder.accept(answer.certificate, answer.authorities.join(""));
    // Its own renewals are not what is looked at here.
    this.cluster.close();
    this.lines.length = 0;
    return this;
  }

  session(secure = true): ControllerSession {
    const call = (_: string, { request }: { request: Uint8Array }) => {
      this.asked++;
      return this.answer(request);
    };
    return { secure, call } as unknown as ControllerSession;
  }

  get serial(): string {
    return ownCertificate(this.folder.read()!).serial;
  }

  /** Lets time pass in which the certificate is renewed. */
  async renewed(ms: number): Promise<void> {
    const { serial } = this;
    this.clock.advance(ms);
    await until("another certificate", () => this.serial !== serial);
    await until("it to be told", () => this.lines.at(-1)?.includes("The certificate of this node is renewed") === true);
  }
}

test("a certificate is renewed at two thirds of its life, with another key, and again", async () => {
  const world = await new World().start();
  const { key } = world.folder.read()!;
  world.identity.online(world.session());
  world.clock.advance(59.9 * day);
  expect(world.asked).toBe(0);
  await world.renewed(0.2 * day);
  expect(world.folder.read()?.key).not.toBe(key);
  world.clock.advance(59.9 * day);
  expect(world.asked).toBe(1);
  await world.renewed(0.2 * day);
  expect(world.asked).toBe(2);
});

test("a node that was offline when it was due renews its certificate when it is back", async () => {
  const world = await new World().start();
  world.identity.online(world.session());
  world.identity.offline();
  world.clock.advance(80 * day);
  expect([world.asked, world.clock.pending]).toEqual([0, 0]);
  world.identity.online(world.session());
  await world.renewed(60_000);
});

test("a renewal that fails is tried again, and the node keeps what it has", async () => {
  const world = await new World().start();
  const { serial } = world;
  const answer = world.answer;
  world.answer = () => Promise.reject(new Error("the disk is full"));
  world.identity.online(world.session());
  world.clock.advance(60.1 * day);
  const refused = "The certificate of this node cannot be renewed, trying again later: the disk is full";
  await until("a warning", () => world.lines.at(-1)?.includes(refused) === true);
  expect(world.serial).toBe(serial);
  world.answer = answer;
  await world.renewed(60_000);
});

test("a certificate for somebody else, or for another key, is not taken over", async () => {
  const world = await new World().start();
  const { serial } = world;
  const authorities = world.cluster.trusted;
  const wrong: [() => Promise<string>, string][] = [
    [async () => world.cluster.credentials!.certificate, "a certificate for somebody else"],
    [
      async () => (await world.cluster.renew("pi", makeRequest(makeKey()))).certificate,
      "not for the key that was made here",
    ],
    [async () => "nonsense", "not 1 to 16 certificates in PEM"],
  ];
  world.identity.online(world.session());
  for (const [index, [make, complaint]] of wrong.entries()) {
    world.answer = async () => ({ certificate: await make(), authorities });
    world.clock.advance(index === 0 ? 60.1 * day : 60_000);
    await until(complaint, () => world.lines.at(-1)?.includes(complaint) === true);
  }
  expect(world.serial).toBe(serial);
});

test("a certificate is renewed when another authority issues them, and the old one is forgotten at the end", async () => {
  const world = await new World().start();
  world.identity.online(world.session());
  await world.cluster.rotate();
  world.identity.believe(world.cluster.trusted);
  expect(world.folder.read()?.authorities).toHaveLength(2);
  await world.renewed(60_000);
  expect(world.cluster.missing).toEqual([]);
  expect(ownCertificate(world.folder.read()!).x509.verify(world.cluster.authorities!.current.x509.publicKey)).toBe(
    true,
  );
  // Told again it has nothing to do.
  world.identity.believe(world.cluster.trusted);
  world.clock.advance(day);
  expect(world.asked).toBe(1);
  await world.cluster.finishRotation(false);
  world.identity.believe(world.cluster.trusted);
  expect(world.folder.read()?.authorities.map(({ pem }) => pem)).toEqual(world.cluster.trusted);
  world.clock.advance(day);
  expect(world.asked).toBe(1);
});

test("over a link that others can change nothing is asked for, and nobody is believed", async () => {
  const world = await new World().start();
  world.identity.online(world.session(false));
  world.clock.advance(80 * day);
  expect([world.asked, world.clock.pending]).toEqual([0, 0]);
  const told: string[] = [];
  const authoritiesChanged = ({ authorities }: { authorities: readonly string[] }) => void told.push(...authorities);
  const handlers = handlersOf("agent", { authoritiesChanged });
  const transports = {
    tcp: { secure: false, peer: "10.0.0.1" },
    tls: { secure: true, peer: "10.0.0.1" },
    unix: { secure: false, peer: "" },
  };
  for (const [kind, transport] of Object.entries(transports))
    trusting(handlers, transport).authoritiesChanged({ authorities: [kind] });
  expect(told).toEqual(["tls", "unix"]);
});

test("what the controller tells before the link is taken into use counts, too", async () => {
  const world = await new World().start();
  await world.cluster.rotate();
  world.identity.believe(world.cluster.trusted);
  world.identity.online(world.session());
  await world.renewed(60_000);
  expect(world.cluster.missing).toEqual([]);
});

test("what are no authorities is not believed", async () => {
  const world = await new World().start();
  world.identity.online(world.session());
  const [authority = ""] = world.cluster.trusted;
  const before = readFileSync(join(world.folder.path, "authorities.pem"), "utf8");
  for (const pems of [
    [],
    Array(5).fill(authority),
    ["nonsense"],
    [authority, readCertificate(world.cluster.credentials!.certificate).pem],
  ]) {
    world.lines.length = 0;
    world.identity.believe(pems);
    expect(world.lines[0]).toContain("What the controller tells of the cluster's authorities is not taken over");
    expect(readFileSync(join(world.folder.path, "authorities.pem"), "utf8")).toBe(before);
  }
});

test("a clock that is far ahead makes a node renew again and again, but not all the time", async () => {
  const world = await new World().start();
  const clock = new FakeClock();
  clock.advance(70 * day);
  const identity = new Identity({ folder: world.folder, clock, log: world.log, random: () => 0 });
  identity.online(world.session());
  // What it gets is due as soon as it has it: the next one is asked for after a hundredth of a life.
  for (const asked of [1, 2]) {
    const { serial } = world;
    world.clock.advance(0.91 * day);
    clock.advance(0.91 * day);
    await until("another certificate", () => world.serial !== serial);
    await until("the next look", () => clock.pending === 1);
    clock.advance(0.89 * day);
    expect(world.asked).toBe(asked);
  }
});
