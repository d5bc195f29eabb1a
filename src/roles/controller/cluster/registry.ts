import { ErrorName, Failure } from "../../../base/failure.ts";

/** What is remembered of a certificate that was issued to a node. */
export interface IssuedCertificate {
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The fingerprint of the authority that has made it. */
  readonly authority: string;
}

/** What a certificate is known by once its node is another host. */
type Known = Pick<IssuedCertificate, "serial" | "notBeforeMs">;

/** A node that has, or had, a certificate, or was put out. */
interface Entry {
  /** When its host has joined: what was issued to that node before does not count. */
  readonly sinceMs: number;
  /** What was issued to that node before and begins later nevertheless, as the clock was set back; `maxEnded` at most. */
  readonly ended: readonly Known[];
  newest: IssuedCertificate | undefined;
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
/** Certificates of a node that are remembered because they begin too late; of more, those that begin last. */
const maxEnded = 16;
/** Invitations that are open. */
export const maxInvitations = 1000;

const formatVersion = 1;

/**
 * Whom the cluster knows: who has joined, and when, who is invited, who is out. A certificate counts when its node is known, and
 * has it since its host has joined; so a standby with a copy of this believes what was renewed since. Pure: who changes it
 * keeps it. Bounds: `maxNodes`, `maxInvitations`; what is beyond is refused.
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
    for (const [name, { sinceMs, ended, newest, revoked }] of Object.entries<Record<string, unknown>>(nodes)) {
      const entry = {
        sinceMs: number(sinceMs),
        ended: list(ended ?? []).map((one) => ({ serial: word(one.serial), notBeforeMs: number(one.notBeforeMs) })),
        newest: newest === undefined ? undefined : issued(newest),
        revoked: revoked === true,
      };
      registry.#nodes.set(name, entry);
    }
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
    return [...this.#nodes].map(([node, { revoked, newest }]) => ({ node, revoked, newest }));
  }

  /** The newest certificate of a node. */
  newestOf(node: string): IssuedCertificate | undefined {
    return this.#nodes.get(node)?.newest;
  }

  /** Whether anything is remembered of a node: that it has joined, is invited, or was put out. */
  knows(node: string): boolean {
    return this.#nodes.has(node) || this.#invitations.has(node);
  }

  /** Whether a node was put out, so that nobody may be it, with a certificate or without. */
  isOut(node: string): boolean {
    return this.#nodes.get(node)?.revoked === true;
  }

  /** Whether a certificate counts that says it is this node's, and that an authority has made. */
  believes(node: string, { serial, notBeforeMs }: Known): boolean {
    const entry = this.#nodes.get(node);
    if (!entry || entry.revoked || notBeforeMs < entry.sinceMs) return false;
    return !entry.ended.some((one) => one.serial === serial);
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
    const sinceMs = certificate.notBeforeMs;
    const ended = endedBefore(this.#nodes.get(node), sinceMs);
    this.#nodes.set(node, { sinceMs, ended, newest: certificate, revoked: false });
  }

  /** A node has been given another certificate. @throws Failure AccessDenied for one that is none. */
  renew(node: string, certificate: IssuedCertificate): void {
    const entry = this.#nodes.get(node);
    if (!entry || entry.revoked) throw denied(`node '${node}' has no certificate to renew`);
    this.changes++;
    entry.newest = certificate;
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
      this.#nodes.set(node, { sinceMs: 0, ended: [], newest: undefined, revoked: true });
    }
  }

  /** The members whose newest certificate has not expired, but is of another authority than this one; by name. */
  without(authority: string, nowMs: number): string[] {
    const lacks = ({ revoked, newest }: Entry) =>
      !revoked && newest !== undefined && nowMs <= newest.notAfterMs && newest.authority !== authority;
    return [...this.#nodes].flatMap(([name, entry]) => (lacks(entry) ? [name] : [])).sort();
  }

  #checkRoom(node: string): void {
    if (this.#nodes.size < maxNodes || this.#nodes.has(node)) return;
    throw new Failure(ErrorName.LimitsExceeded, `${maxNodes} nodes are known already`);
  }
}

/** What of a node that was another host before would still count by its time. */
function endedBefore(entry: Entry | undefined, sinceMs: number): Known[] {
  const { ended = [], newest } = entry ?? {};
  const all: readonly Known[] = newest ? [...ended, newest] : ended;
  return all
    .filter(({ notBeforeMs }) => notBeforeMs >= sinceMs)
    .map(({ serial, notBeforeMs }) => ({ serial, notBeforeMs }))
    .sort((one, other) => one.notBeforeMs - other.notBeforeMs)
    .slice(-maxEnded);
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

function issued(value: unknown): IssuedCertificate {
  const { serial, notBeforeMs, notAfterMs, authority } = value as Record<string, unknown>;
  const times = { notBeforeMs: number(notBeforeMs), notAfterMs: number(notAfterMs) };
  return { serial: word(serial), ...times, authority: word(authority) };
}
