import { createHash, randomBytes } from "node:crypto";
import { describe, ErrorName, Failure } from "../../../base/failure.ts";
import { Rationed } from "../../../base/rationed.ts";
import type { Certificate } from "../../../identity/certificate.ts";
import { requestFingerprint } from "../../../identity/issuer.ts";
import { checkNodeName } from "../../../identity/subject.ts";
import { formatToken, secretBytes, tokenVersion } from "../../../identity/token.ts";
import type { EnrolmentAnswer, EnrolmentRequest } from "../../../wire/enrolment.ts";
import { Attempts } from "./attempts.ts";
import type { Identity, Kept } from "./kept.ts";
import { Pending, type PendingRequest } from "./pending.ts";
import type { IssuedCertificate } from "./registry.ts";

/** A host asks to join, over a connection. */
export interface Application extends EnrolmentRequest {
  readonly peer: string;
  /** Whether the connection is one with TLS. */
  readonly secure: boolean;
}

/** How long an invitation may be open. */
const maxInvitationMs = 30 * 24 * 3600_000;
/** How long a host that was approved has to fetch its certificate. */
const approvalMs = 24 * 3600_000;
/** Characters of a name that a stranger has said which are logged. */
const maxLoggedName = 64;
/** How soon a host that waits for somebody's decision is to ask again. */
const retryMs = 5000;

/** How hosts become nodes of a cluster: by a token, or because somebody has decided so. */
export class Enrolment {
  readonly #kept: Kept;
  readonly #joined: (node: string) => void;
  readonly #pending = new Pending();
  readonly #attempts: Attempts;
  readonly #refusals: Rationed;

  /** @param joined told of each host that has become a node. */
  constructor(kept: Kept, joined: (node: string) => void) {
    this.#kept = kept;
    this.#joined = joined;
    this.#attempts = new Attempts(kept.options.clock);
    this.#refusals = new Rationed((text) => kept.options.log.warn(text), kept.options.clock);
  }

  /**
   * Lets one host become a node, once, within a time.
   * @param addresses where the controller is found, as Token has them.
   * @returns the token for that.
   * @throws Failure InvalidArgs for bad arguments, LimitsExceeded
   */
  invite(node: string, ttlMs: number, addresses: readonly string[]): Promise<string> {
    return this.#kept.change(async () => {
      const { registry, authority } = this.#kept.known;
      checkNodeName(node);
      if (!(ttlMs > 0 && ttlMs <= maxInvitationMs))
        throw new Failure(ErrorName.InvalidArgs, "an invitation lasts for a time of up to 30 days");
      const secret = new Uint8Array(randomBytes(secretBytes));
      const { cluster } = authority;
      const token = { version: tokenVersion, cluster, node, authority: authority.shown.fingerprint, secret, addresses };
      const text = formatToken(token);
      const { nowMs } = this.#kept;
      registry.invite({ node, proof: "secret", hash: hashOf(secret), expiresMs: nowMs + ttlMs }, nowMs);
      return text;
    });
  }

  /** The invitations that nobody has made use of, with when they end. */
  get invitations(): { readonly node: string; readonly expiresMs: number }[] {
    return this.#kept.identity?.registry.openInvitations(this.#kept.nowMs) ?? [];
  }

  /** The hosts that ask to join without a token. */
  get pending(): readonly PendingRequest[] {
    return this.#pending.open(this.#kept.nowMs);
  }

  /**
   * Lets a host join that asks to.
   * @param prefix how the fingerprint of its key begins, as Pending.find takes it.
   * @throws Failure InvalidArgs when that is too short, or there is none such.
   */
  approve(node: string, prefix: string): Promise<void> {
    return this.#kept.change(async () => {
      const { nowMs, known } = this.#kept;
      const request = this.#pending.find(node, prefix, nowMs);
      known.registry.invite({ node, proof: "key", hash: request.fingerprint, expiresMs: nowMs + approvalMs }, nowMs);
      this.#pending.delete(request);
    });
  }

  /** Refuses hosts that ask to join. @throws Failure InvalidArgs when there are none such. */
  deny(node: string, prefix = ""): void {
    this.#pending.deny(node, prefix, this.#kept.nowMs);
  }

  /**
   * Decides on a host that asks to join: it gets a certificate by a token or when it was approved, else it has to wait for that.
   * @throws Failure AccessDenied, LimitsExceeded, InvalidArgs for a bad request; it is logged.
   */
  async enrol(application: Application): Promise<EnrolmentAnswer> {
    const { node, peer } = application;
    try {
      this.#attempts.count(peer);
      checkNodeName(node);
      return await this.#kept.change(() => this.#decide(application));
    } catch (error) {
      // A name of many lines would be taken for entries of their own.
      const name = node.slice(0, maxLoggedName).replaceAll(/[\s\p{C}]/gu, "?");
      this.#refusals.say(peer, `Request of '${peer}' to join as '${name}' refused: ${describe(error)}`);
      throw error;
    }
  }

  /** Says at once what has been counted for the log. */
  close(): void {
    this.#refusals.flush();
  }

  async #decide({ node, secret, request, peer, secure }: Application): Promise<EnrolmentAnswer> {
    const { nowMs, known, options } = this.#kept;
    const { registry, authority } = known;
    if (!secure) throw new Failure(ErrorName.AccessDenied, "only who has connected with TLS may ask to join");
    const keyHash = await requestFingerprint(request);
    const secretHash = secret.length > 0 ? hashOf(secret) : undefined;
    const invitation = registry.invitationOf({ node, secretHash, keyHash }, nowMs);
    if (!invitation) {
      this.#pending.ask(node, keyHash, peer, nowMs);
      return { retryMs };
    }
    const certificate = await issueTo(node, request, this.#kept);
    registry.join(invitation, keyHash, issuedBy(certificate, known));
    options.log.info(`A host at '${peer}' has joined as node '${node}'`);
    this.#joined(node);
    return {
      cluster: authority.cluster,
      certificate: certificate.pem,
      authorities: authority.trusted.map(({ pem }) => pem),
    };
  }
}

/** Issues a certificate to a node. @throws Failure InvalidArgs for a bad request. */
export function issueTo(node: string, request: Uint8Array, { known, nowMs, options }: Kept): Promise<Certificate> {
  const { authority } = known;
  const subject = { cluster: authority.cluster, role: "node", node } as const;
  return authority.issue(subject, request, nowMs, options.lifetimeMs());
}

/** What is remembered of a certificate. */
export function issuedBy({ serial, notBeforeMs, notAfterMs }: Certificate, { authority }: Identity): IssuedCertificate {
  return { serial, notBeforeMs, notAfterMs, authority: authority.current.fingerprint };
}

function hashOf(secret: Uint8Array): string {
  return createHash("sha256").update(secret).digest("hex");
}
