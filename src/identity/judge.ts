import { ErrorName, Failure } from "../base/failure.ts";
import type { Certificate } from "./certificate.ts";
import { describeSubject, type Role, type Subject } from "./subject.ts";

/** The extended key usage of each role's certificates (RFC 5280, 4.2.1.12): agents are clients, controllers servers. */
export const usageOf: Readonly<Record<Role, string>> = {
  node: "1.3.6.1.5.5.7.3.2",
  controller: "1.3.6.1.5.5.7.3.1",
};

interface Terms<R extends Role> {
  /** Those of whom a certificate has to be, directly. */
  readonly authorities: readonly Certificate[];
  /** Whom the peer has to be. */
  readonly role: R;
  /** The cluster it has to belong to; any of the authorities' when it is not given. */
  readonly cluster?: string | undefined;
  /** Since the epoch. */
  readonly nowMs: number;
  readonly isRevoked?: ((certificate: Certificate) => boolean) | undefined;
}

/**
 * Decides whether a certificate, whose key its owner has proved to have, makes that owner who it says it is.
 * @param certificate undefined when the peer has shown none.
 * @returns who it is.
 * @throws Failure AccessDenied that says what is wrong, and what to do.
 */
export function judge<R extends Role>(
  certificate: Certificate | undefined,
  { authorities, role, cluster, nowMs, isRevoked }: Terms<R>,
): Extract<Subject, { role: R }> {
  const wanted = role === "node" ? "a node" : "the controller";
  if (!certificate) throw denied(`no certificate was shown; ${wanted} of the cluster has one`);
  const authority = authorities.find((candidate) => hasMade(candidate, certificate));
  if (!authority) throw denied("the certificate was not made by an authority that is trusted here");
  const { subject } = certificate;
  if (!subject || certificate.x509.ca) throw denied("the certificate does not have one name of a node or a controller");
  const whose = `the certificate of ${describeSubject(subject)}`;
  if (subject.role !== role || certificate.usages.length !== 1 || certificate.usages[0] !== usageOf[role])
    throw denied(`${whose} is not for use as ${wanted}`);
  if (cluster !== undefined && subject.cluster !== cluster)
    throw denied(`${whose} is of the cluster '${subject.cluster}', this is '${cluster}'`);
  checkDates(`the authority of ${whose}`, authority, nowMs);
  checkDates(whose, certificate, nowMs);
  if (isRevoked?.(certificate)) throw denied(`${whose} has been revoked, or replaced by that of another host`);
  return subject as Extract<Subject, { role: R }>;
}

/** Whether an authority has signed a certificate. A node's certificate is none that could. */
function hasMade(authority: Certificate, { x509 }: Certificate): boolean {
  return authority.x509.ca && x509.checkIssued(authority.x509) && x509.verify(authority.x509.publicKey);
}

function checkDates(whose: string, { notBeforeMs, notAfterMs }: Certificate, nowMs: number): void {
  const now = `here it is ${date(nowMs)}`;
  if (nowMs < notBeforeMs) throw denied(`${whose} is not valid before ${date(notBeforeMs)}, ${now}: check the clocks`);
  if (nowMs > notAfterMs)
    throw denied(`${whose} has expired at ${date(notAfterMs)}, ${now}: check the clocks, or let the node join again`);
}

/** To the second, in UTC. */
function date(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

function denied(message: string): Failure {
  return new Failure(ErrorName.AccessDenied, message);
}
