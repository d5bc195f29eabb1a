import type { Timer } from "../../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../../base/failure.ts";
import { backdatedMs, type Certificate, renewalDueMs } from "../../../identity/certificate.ts";
import type { Credentials } from "../../../identity/credentials.ts";
import { checkClusterName, checkNodeName } from "../../../identity/subject.ts";
import { Enrolment, issuedBy, issueTo } from "./enrolment.ts";
import { Kept, type KeptOptions } from "./kept.ts";
import type { IssuedCertificate } from "./registry.ts";

export interface ClusterListener {
  /** Credentials, members or authorities have changed. */
  changed(): void;
  /** Whoever is connected as this node is so no longer by right. */
  ended(node: string, reason: string): void;
}

/** A node with its newest certificate; with none when it was put out without ever having had one. */
export interface CertifiedNode {
  readonly node: string;
  readonly state: "valid" | "expired" | "revoked";
  readonly certificate: IssuedCertificate | undefined;
}

/** How often the controller looks whether its own certificate is to be renewed, at least; and when it could not be. */
const lookMs = 3600_000;
const retryMs = 60_000;
/** The time from one certificate of a node to the next, at least. */
const restMs = 5000;
/** Names in a text; beyond they are only counted. */
const maxNames = 20;

/**
 * The identities of a cluster: the controller's own, and those of its nodes, which it gives, renews and takes away. Where there
 * is none, one can be made.
 */
export class Cluster {
  readonly enrolment: Enrolment;
  readonly #kept: Kept;
  readonly #listeners = new Set<ClusterListener>();
  #renewal: Timer | undefined;
  #members: ReadonlySet<string> = new Set();

  private constructor(kept: Kept) {
    this.#kept = kept;
    this.enrolment = new Enrolment(kept, (node) => {
      this.#tellEnded(node, `another host has joined as '${node}'`);
      this.#membersChanged();
    });
  }

  /** Reads what is kept. @throws Failure when there is a cluster that cannot be used: who had one does not go on without. */
  static async open(options: KeptOptions): Promise<Cluster> {
    const kept = new Kept(options);
    kept.read();
    const cluster = new Cluster(kept);
    if (!kept.identity) return cluster;
    cluster.#members = kept.known.registry.members;
    options.log.info(`This is the controller of the cluster '${cluster.name}'`);
    await cluster.#renewOwn();
    return cluster;
  }

  /** The name of the cluster; undefined when there is none. */
  get name(): string | undefined {
    return this.#kept.identity?.registry.cluster;
  }

  /** What the controller shows, and whom it believes; undefined when there is no cluster. */
  get credentials(): Credentials | undefined {
    return this.#kept.identity?.authority.credentials;
  }

  /** The authority that issues certificates, and the one that gives way to it. */
  get authorities(): { readonly current: Certificate; readonly retiring: Certificate | undefined } | undefined {
    return this.#kept.identity?.authority;
  }

  /** The nodes that have certificates: they may register, with those. */
  get nodes(): ReadonlySet<string> {
    return this.#members;
  }

  /** Whether a node was put out: nobody may register as it, with a certificate or without. */
  isOut(node: string): boolean {
    return this.#kept.identity?.registry.isOut(node) === true;
  }

  /** Whether a node's certificate, which one of the authorities has made, counts no more. */
  isRevoked(certificate: Certificate): boolean {
    const { subject } = certificate;
    return subject?.role !== "node" || this.#kept.identity?.registry.believes(subject.node, certificate) !== true;
  }

  /** Adds one who is told of changes. @returns what ends that. */
  listen(listener: ClusterListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Makes a cluster.
   * @returns the fingerprint of its authority.
   * @throws Failure InvalidArgs for a bad name, Failed when there is a cluster, or nowhere to keep one.
   */
  init(name: string): Promise<string> {
    return this.#kept.change(async () => {
      checkClusterName(name);
      const { fingerprint } = (await this.#kept.make(name)).authority.current;
      this.#kept.options.log.info(`Made the cluster '${name}', its authority is ${fingerprint}`);
      this.#schedule();
      this.#membersChanged();
      return fingerprint;
    });
  }

  /**
   * Ends all certificates of a node, its invitation, and its link.
   * @param configured whether the configuration lets it in: then it need not be known otherwise.
   * @throws Failure InvalidArgs for a name that nobody knows, which may be misspelt; LimitsExceeded
   */
  revoke(node: string, { configured }: { readonly configured: boolean }): Promise<void> {
    return this.#kept.change(async () => {
      checkNodeName(node);
      const { registry } = this.#kept.known;
      if (!configured && !registry.knows(node)) throw unknownNode(node);
      registry.revoke(node);
      this.#kept.options.log.info(`Node '${node}' is revoked`);
      this.#tellEnded(node, `node '${node}' has been revoked`);
      this.#membersChanged();
    });
  }

  /**
   * Gives a node that has proved to be itself another certificate.
   * @returns it in PEM, and what is trusted, the issuer last.
   * @throws Failure InvalidArgs for a bad request, AccessDenied for a node without a certificate, LimitsExceeded for one that
   * has been given one `restMs` ago or less: each costs a signature and a write to the disk.
   */
  async renew(node: string, request: Uint8Array): Promise<{ certificate: string; authorities: string[] }> {
    const certificate = await this.#kept.change(async () => {
      const { known, options } = this.#kept;
      if (!this.#members.has(node))
        throw new Failure(ErrorName.AccessDenied, `node '${node}' has no certificate that could be renewed`);
      const issuedMs = known.registry.newestOf(node)?.notBeforeMs ?? 0;
      const restedMs = this.#kept.nowMs - issuedMs - backdatedMs;
      if (restedMs >= 0 && restedMs < restMs)
        throw new Failure(ErrorName.LimitsExceeded, `node '${node}' has been given a certificate just now`);
      const issued = await issueTo(node, request, this.#kept);
      known.registry.renew(node, issuedBy(issued, known));
      options.log.info(`Renewed the certificate of node '${node}'`);
      return issued.pem;
    });
    // While that was written to the disk, all nodes may have been told to trust others: this answer comes after that.
    return { certificate, authorities: this.trusted };
  }

  /** The authorities that are trusted, in PEM; that which issues certificates is the last. */
  get trusted(): string[] {
    return this.#kept.identity?.authority.trusted.map(({ pem }) => pem) ?? [];
  }

  /** All nodes that have, or had, a certificate, or were put out; by name. */
  get certified(): CertifiedNode[] {
    const { nowMs, identity } = this.#kept;
    const stateOf = (revoked: boolean, newest: IssuedCertificate | undefined) =>
      revoked ? "revoked" : nowMs > (newest?.notAfterMs ?? 0) ? "expired" : "valid";
    const nodes = identity?.registry.nodes ?? [];
    return nodes
      .map(({ node, revoked, newest }) => ({ node, state: stateOf(revoked, newest), certificate: newest }) as const)
      .sort((one, other) => (one.node < other.node ? -1 : 1));
  }

  /** Makes an authority that takes the place of the present one. Both are trusted until `finishRotation`. @returns its fingerprint. */
  rotate(): Promise<string> {
    return this.#kept.change(async () => {
      const { nowMs, known, options } = this.#kept;
      const { authority } = known;
      if (authority.retiring)
        throw new Failure(
          ErrorName.Failed,
          "a rotation is under way, which has to be finished first: bluechictl cluster rotate-ca --finish",
        );
      await authority.rotate(nowMs);
      options.log.info(`Certificates are issued by a new authority from now on: ${authority.current.fingerprint}`);
      this.#tellChanged();
      return authority.current.fingerprint;
    });
  }

  /** The nodes that the end of the rotation would cut off. */
  get missing(): string[] {
    const { identity, nowMs } = this.#kept;
    if (!identity?.authority.retiring) return [];
    return identity.registry.without(identity.authority.current.fingerprint, nowMs);
  }

  /** Trusts the new authority only. @param force even if that cuts nodes off. @throws Failure Failed that names those. */
  finishRotation(force: boolean): Promise<void> {
    return this.#kept.change(async () => {
      const { nowMs, known, options } = this.#kept;
      const { authority } = known;
      if (!authority.retiring) throw new Failure(ErrorName.Failed, "no rotation is under way");
      const { missing } = this;
      if (missing.length > 0 && !force) {
        const more = missing.length > maxNames ? ` and ${missing.length - maxNames} more` : "";
        const names = missing.slice(0, maxNames).join(", ") + more;
        const message = `nodes without a certificate of the new authority would have to join again: ${names}; wait until they are back and have renewed theirs, or say --force`;
        throw new Failure(ErrorName.Failed, message);
      }
      await authority.finish(nowMs, options.lifetimeMs());
      options.log.info(`Only the authority ${authority.current.fingerprint} is trusted from now on`);
      this.#schedule();
      this.#tellChanged();
      for (const node of missing) this.#tellEnded(node, "its certificate is of an authority that is trusted no more");
    });
  }

  /** Ends what is under way. */
  close(): void {
    this.#renewal?.cancel();
    this.enrolment.close();
  }

  /** Renews the controller's own certificate when that is due, and looks again later. */
  async #renewOwn(): Promise<void> {
    const { clock, log, lifetimeMs } = this.#kept.options;
    const { authority } = this.#kept.known;
    try {
      if (this.#kept.nowMs >= renewalDueMs(authority.own)) {
        await authority.renewOwn(this.#kept.nowMs, lifetimeMs());
        log.info("Renewed the controller's certificate");
        this.#tellChanged();
      }
      this.#schedule();
    } catch (error) {
      log.error(`The controller's certificate cannot be renewed: ${describe(error)}`);
      this.#renewal = clock.after(retryMs, () => this.#look());
    }
  }

  #schedule(): void {
    this.#renewal?.cancel();
    const dueMs = Math.max(1000, renewalDueMs(this.#kept.known.authority.own) - this.#kept.nowMs);
    this.#renewal = this.#kept.options.clock.after(Math.min(lookMs, dueMs), () => this.#look());
  }

  #look(): void {
    const complain = (error: unknown) => this.#kept.options.log.error(describe(error));
    this.#kept.change(() => this.#renewOwn()).catch(complain);
  }

  #membersChanged(): void {
    this.#members = this.#kept.known.registry.members;
    this.#tellChanged();
  }

  #tellChanged(): void {
    for (const listener of this.#listeners) listener.changed();
  }

  #tellEnded(node: string, reason: string): void {
    for (const listener of this.#listeners) listener.ended(node, reason);
  }
}

function unknownNode(node: string): Failure {
  const where = "'bluechictl node list' shows who has joined or is invited, 'bluechictl status' who may register";
  return new Failure(ErrorName.InvalidArgs, `there is no node '${node}', so nothing is revoked: ${where}`);
}
