// The certificates of a cluster on the hosts of a lab, as they are when all nodes have joined; and others that are wrong.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { systemClock } from "../../src/base/clock.ts";
import { Log } from "../../src/base/log.ts";
import { issue } from "../../src/identity/issuer.ts";
import { makeKey, makeRequest } from "../../src/identity/request.ts";
import type { Subject } from "../../src/identity/subject.ts";
import { parseToken } from "../../src/identity/token.ts";
import { Cluster as Members } from "../../src/roles/controller/cluster/cluster.ts";
import type { Host } from "../testbed/host.ts";

export const cluster = "lab";
const dayMs = 24 * 3600_000;
const controllerFolder = "/var/lib/bluechi/cluster";
const agentFolder = "/var/lib/bluechi-agent/identity";

/** A certificate and its key, in PEM. */
export interface Pair {
  readonly certificate: string;
  readonly key: string;
}

export class Certificates {
  /** Of the controller: each file with its text. */
  readonly #files: Readonly<Record<string, string>>;
  readonly #nodes: ReadonlyMap<string, Pair>;

  private constructor(files: Readonly<Record<string, string>>, nodes: ReadonlyMap<string, Pair>) {
    this.#files = files;
    this.#nodes = nodes;
  }

  /** Makes a cluster that these nodes have joined. */
  static async make(names: readonly string[]): Promise<Certificates> {
    const parent = mkdtempSync(join(tmpdir(), "bluechi-certificates-"));
    const folder = join(parent, "cluster");
    try {
      const log = new Log({ quiet: true });
      const members = await Members.open({ folder, clock: systemClock, log, lifetimeMs: () => dayMs });
      await members.init(cluster);
      const nodes = new Map<string, Pair>();
      for (const node of names) {
        const token = await members.enrolment.invite(node, dayMs, ["main:843"]);
        const key = makeKey();
        const { secret } = parseToken(token);
        const answer = await members.enrolment.enrol({
          node,
          secret,
          request: makeRequest(key),
          peer: "",
          secure: true,
        });
        if (!("certificate" in answer)) throw new Error(`${node} has to wait`);
        nodes.set(node, { certificate: answer.certificate, key });
      }
      members.close();
      const kept = ["authority.pem", "controller.pem", "registry.json"];
      const files = Object.fromEntries(kept.map((name) => [name, readFileSync(join(folder, name), "utf8")]));
      return new Certificates(files, nodes);
    } finally {
      rmSync(parent, { recursive: true });
    }
  }

  /** The authority's certificate, in PEM. */
  get authority(): string {
    return this.#pair("authority.pem").certificate;
  }

  /** That of a node that has joined. */
  of(node: string): Pair {
    const pair = this.#nodes.get(node);
    if (!pair) throw new Error(`${node} has not joined`);
    return pair;
  }

  /** Gives a host the part of the controller. */
  async toController(host: Host): Promise<void> {
    await host.sh(`mkdir -p -m 700 ${controllerFolder}`);
    for (const [name, text] of Object.entries(this.#files)) await host.write(join(controllerFolder, name), text, 0o600);
  }

  /** Gives a host an identity: that of its name, or another one. */
  async toAgent(host: Host, { certificate, key }: Pair = this.of(host.name)): Promise<void> {
    await host.sh(`mkdir -p -m 700 ${agentFolder}`);
    const files = { "certificate.pem": certificate, "key.pem": key, "authorities.pem": this.authority };
    for (const [name, text] of Object.entries(files)) await host.write(join(agentFolder, name), text, 0o600);
  }

  /** Issues a certificate, of which the cluster is told nothing. @param fromMs when it begins, from now on. */
  async issue(subject: Subject, fromMs = 0, lifetimeMs = dayMs): Promise<Pair> {
    const { certificate, key } = this.#pair("authority.pem");
    const own = makeKey();
    const order = { authorityPem: certificate, authorityKeyPem: key, request: makeRequest(own), lifetimeMs };
    const issued = await issue({ ...order, subject, nowMs: Date.now() + fromMs });
    return { certificate: issued, key: own };
  }

  /** A file of the controller with a certificate and its key. */
  #pair(name: string): Pair {
    const text = this.#files[name] ?? "";
    const at = text.indexOf("-----BEGIN PRIVATE KEY-----");
    return { certificate: text.slice(0, at), key: text.slice(at) };
  }
}
