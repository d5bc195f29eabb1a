import { ErrorName, Failure } from "../../../base/failure.ts";

/** A certificate that was issued to a node, as far as it is remembered. */
export interface IssuedCertificate {
  readonly serial: string;
  readonly notAfterMs: number;
  /** The fingerprint of the authority that has made it. */
  readonly authority: string;
}

/** A node that has, or had, a certificate. */
interface Entry {
  /** The newest last. Only these are believed. */
  certificates: readonly IssuedCertificate[];
  revoked: boolean;
}

/** What lets one host become a node, once. */
export interface Invitation {
  readonly node: string;
  /** What has to be shown: the secret of a token, or a key, that of a host that was approved. A key is no secret. */
  readonly proof: "secret" | "key";
  /** SHA-256 of that, in hexadecimal digits. */
  readonly hash: string;
  readonly expiresMs: number;
  /** The hash of the key of the host that has made use of it. The same host may ask again, as an answer can be lost. */
  usedBy?: string;
}

/** Who asks to join. */
export interface Applicant {
  readonly node: string;
  /** The hash of the secret of its token; undefined when it has none. */
  readonly secretHash: string | undefined;
  /** The hash of its key. */
  readonly keyHash: string;
}

/** Nodes that are remembered, those that were revoked among them. */
export const maxNodes = 10_000;
/** Invitations that are open. */
export const maxInvitations = 1000;
/** Certificates of a node that are valid at a time: the agent may not have got the newest. */
export const maxCertificates = 4;

const formatVersion = 1;

/**
 * Whom the cluster knows: what was issued, to whom, who is invited, who is out. A certificate that is not in here is not
 * believed, so one that was revoked needs no entry of its own. Pure: who changes it keeps it.
 * Bounds: `maxNodes`, `maxInvitations`; what is beyond is refused. Of a node's certificates the newest `maxCertificates` count.
 */
export class Registry {
  readonly cluster: string;
  /** Grows with each change. */
  changes = 0;
  readonly #nodes = new Map<string, Entry>();
  /** By the names of their nodes: a new one takes the place of the one before. */
  readonly #invitations = new Map<string, Invitation>();

  constructor(cluster: string) {
    this.cluster = cluster;
  }

  /** @throws Error for a text that `print` has not made. */
  static parse(text: string): Registry {
    const { version, cluster, nodes, invitations } = JSON.parse(text);
    if (version !== formatVersion) throw new Error(`it is of version ${version}, not ${formatVersion}`);
    const registry = new Registry(word(cluster));
    for (const [name, { certificates, revoked }] of Object.entries<Record<string, unknown>>(nodes))
      registry.#nodes.set(name, { certificates: list(certificates).map(issued), revoked: revoked === true });
    for (const invitation of list(invitations)) {
      const { node, proof, hash, expiresMs, usedBy } = invitation;
      if (proof !== "secret" && proof !== "key") throw new Error("an invitation is for nobody");
      const used = usedBy === undefined ? {} : { usedBy: word(usedBy) };
      registry.#invitations.set(word(node), {
        node: word(node),
        proof,
        hash: word(hash),
        expiresMs: number(expiresMs),
        ...used,
      });
    }
    return registry;
  }

  print(): string {
    const nodes = Object.fromEntries(this.#nodes);
    const { cluster } = this;
    const state = { version: formatVersion, cluster, nodes, invitations: [...this.#invitations.values()] };
    return `${JSON.stringify(state, null, 1)}\n`;
  }

  /** The nodes that have certificates, and are not out. */
  get members(): Set<string> {
    return new Set([...this.#nodes].filter(([, { revoked }]) => !revoked).map(([name]) => name));
  }

  /** All that have, or had, a certificate, with the newest; in no order. */
  get nodes(): { node: string; revoked: boolean; newest: IssuedCertificate | undefined }[] {
    return [...this.#nodes].map(([node, { revoked, certificates }]) => ({
      node,
      revoked,
      newest: certificates.at(-1),
    }));
  }

  /** Whether a node was put out, so that nobody may be it, with a certificate or without. */
  isOut(node: string): boolean {
    return this.#nodes.get(node)?.revoked === true;
  }

  /** Whether a certificate counts that says it is this node's. */
  believes(node: string, serial: string): boolean {
    const entry = this.#nodes.get(node);
    return entry !== undefined && !entry.revoked && entry.certificates.some((issued) => issued.serial === serial);
  }

  /** The invitations that nobody has made use of. */
  openInvitations(nowMs: number): Invitation[] {
    return [...this.#invitations.values()].filter(
      ({ usedBy, expiresMs }) => usedBy === undefined && nowMs <= expiresMs,
    );
  }

  /** Lets one host become a node, once. @throws Failure LimitsExceeded */
  invite(invitation: Invitation, nowMs: number): void {
    for (const [node, { expiresMs }] of this.#invitations) if (nowMs > expiresMs) this.#invitations.delete(node);
    if (this.#invitations.size >= maxInvitations && !this.#invitations.has(invitation.node))
      throw new Failure(ErrorName.LimitsExceeded, `${maxInvitations} invitations are open, wait until some have ended`);
    this.#checkRoom(invitation.node);
    this.changes++;
    this.#invitations.set(invitation.node, invitation);
  }

  /**
   * Looks for the invitation that an applicant may make use of.
   * @returns undefined when it has no secret, and nobody has approved it.
   * @throws Failure AccessDenied that says why its token does not count.
   */
  invitationOf({ node, secretHash, keyHash }: Applicant, nowMs: number): Invitation | undefined {
    const [proof, shown] = secretHash === undefined ? ["key", keyHash] : ["secret", secretHash];
    const open = [...this.#invitations.values()];
    const invitation = open.find((one) => one.proof === proof && one.hash === shown);
    if (!invitation && secretHash === undefined) return undefined;
    if (!invitation) throw denied("the token is not known: it was replaced by another one, or has ended");
    if (invitation.node !== node) throw denied(`the token is for '${invitation.node}', not for '${node}'`);
    if (invitation.usedBy !== undefined && invitation.usedBy !== keyHash)
      throw denied(`the token for '${node}' has been used already, by another host`);
    if (nowMs > invitation.expiresMs) throw denied(`the token for '${node}' has expired`);
    return invitation;
  }

  /** A host has become a node by an invitation. What certificates that node had count no more. @throws Failure LimitsExceeded */
  join(invitation: Invitation, keyHash: string, certificate: IssuedCertificate): void {
    const { node } = invitation;
    this.#checkRoom(node);
    this.changes++;
    invitation.usedBy = keyHash;
    this.#nodes.set(node, { certificates: [certificate], revoked: false });
  }

  /** A node has been given another certificate. @throws Failure AccessDenied for one that is none. */
  renew(node: string, certificate: IssuedCertificate): void {
    const entry = this.#nodes.get(node);
    if (!entry || entry.revoked) throw denied(`node '${node}' has no certificate to renew`);
    this.changes++;
    entry.certificates = [...entry.certificates, certificate].slice(-maxCertificates);
  }

  /**
   * Puts a node out, which need not have had a certificate: its certificates and its invitation end.
   * @throws Failure LimitsExceeded for one that was not known, when no more can be remembered.
   */
  revoke(node: string): void {
    this.changes++;
    this.#invitations.delete(node);
    const entry = this.#nodes.get(node);
    if (entry) entry.revoked = true;
    else {
      this.#checkRoom(node);
      this.#nodes.set(node, { certificates: [], revoked: true });
    }
  }

  /** The members that have certificates that have not expired, but none of an authority; by name. */
  without(authority: string, nowMs: number): string[] {
    const lacks = ({ revoked, certificates }: Entry) =>
      !revoked &&
      certificates.some(({ notAfterMs }) => nowMs <= notAfterMs) &&
      !certificates.some((issued) => issued.authority === authority);
    return [...this.#nodes].flatMap(([name, entry]) => (lacks(entry) ? [name] : [])).sort();
  }

  #checkRoom(node: string): void {
    if (this.#nodes.size < maxNodes || this.#nodes.has(node)) return;
    throw new Failure(ErrorName.LimitsExceeded, `${maxNodes} nodes are known already`);
  }
}

function denied(message: string): Failure {
  return new Failure(ErrorName.AccessDenied, message);
}

function list(value: unknown): Record<string, unknown>[] {
  if (!Array.isArray(value)) throw new Error("a list is missing");
  return value;
}

function word(value: unknown): string {
  if (typeof value !== "string") throw new Error("a text is missing");
  return value;
}

function number(value: unknown): number {
  if (typeof value !== "number") throw new Error("a number is missing");
  return value;
}

function issued({ serial, notAfterMs, authority }: Record<string, unknown>): IssuedCertificate {
  return { serial: word(serial), notAfterMs: number(notAfterMs), authority: word(authority) };
}
