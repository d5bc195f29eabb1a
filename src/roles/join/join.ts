import { setTimeout as pause } from "node:timers/promises";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import { printFingerprint } from "../../base/fingerprint.ts";
import { type Certificate, readCertificates } from "../../identity/certificate.ts";
import { type IdentityFolder, joinPem } from "../../identity/credentials.ts";
import { judge } from "../../identity/judge.ts";
import { keyFingerprint, makeKey, makeRequest } from "../../identity/request.ts";
import type { Token } from "../../identity/token.ts";
import type { TlsAddress } from "../../wire/address.ts";
import type { EnrolmentAnswer } from "../../wire/enrolment.ts";
import { formatPlace, parsePlace } from "../../wire/place.ts";
import { ask, type Met, meetFirst } from "./controller.ts";

type Enrolled = Exclude<EnrolmentAnswer, { retryMs: number }>;

/** What a host has become. */
export interface Joined {
  readonly node: string;
  readonly cluster: string;
  /** Where the controller was met. */
  readonly place: TlsAddress;
  readonly expiresMs: number;
}

/** Tells people what happens. */
type Say = (line: string) => void;

/** The port of a controller that no port is said of. */
export const defaultPort = 843;

/** How often a host asks whether it has been approved, in ms, whatever the controller says. */
const [soonestMs, latestMs] = [500, 30_000];

/**
 * Joins with a token, with a key that is made for it. When somebody has made use of the token already, that may have been this host,
 * which was cut off later: then it gets another certificate for the key that it has. @throws Failure that says why not, and what to do.
 */
export async function joinByToken(token: Token, identity: IdentityFolder): Promise<Joined> {
  const { node, secret, authority, cluster } = token;
  const who = "the controller that made this token";
  const places = token.addresses.map((text) => parsePlace(text, defaultPort));
  const present = presentKey(identity, token);
  const attempt = async (key: string): Promise<Joined> => {
    const met = await meetFirst(places, { authority, cluster, who });
    const answer = await refusable(met, ask(met, { node, secret, request: makeRequest(key) }));
    if ("retryMs" in answer) throw new Failure(ErrorName.Failed, `${at(met)} does not take tokens`);
    return accept(answer, met, node, identity);
  };
  try {
    return await attempt(preparedKey(identity));
  } catch (thrown) {
    if (!isDenial(thrown)) throw thrown;
    const another = `a new token is printed there by 'bluechictl node invite ${node}'`;
    const denial = new Failure(thrown.errorName, `${thrown.message}; ${another}`);
    if (present === undefined) throw denial;
    const prepared = preparedKey(identity);
    identity.prepare(present);
    return await attempt(present).catch(() => {
      identity.prepare(prepared);
      throw denial;
    });
  }
}

/** The key that this host has as the node of a token; undefined when it is not that node, or its files are of no use. */
function presentKey(identity: IdentityFolder, { cluster, node }: Token): string | undefined {
  try {
    const { certificate, key } = identity.read() ?? {};
    const subject = certificate === undefined ? undefined : readCertificates(certificate)[0]?.subject;
    const same = subject?.role === "node" && subject.cluster === cluster && subject.node === node;
    return same ? key : undefined;
  } catch {
    return undefined;
  }
}

function isDenial(thrown: unknown): thrown is Failure {
  return thrown instanceof Failure && thrown.errorName === ErrorName.AccessDenied;
}

/** Joins without a token: somebody has to approve, which is waited for. @throws Failure as joinByToken. */
export async function joinByRequest(
  place: TlsAddress,
  node: string,
  identity: IdentityFolder,
  say: Say,
): Promise<Joined> {
  const request = makeRequest(preparedKey(identity));
  let first: Met | undefined;
  let troubled = false;
  for (;;) {
    let waitMs = latestMs;
    try {
      const who = "the controller that was asked first";
      const met = await meetFirst([place], { authority: first?.authority.fingerprint, who });
      const answer = await refusable(met, ask(met, { node, secret: new Uint8Array(0), request }));
      if (!("retryMs" in answer)) return accept(answer, met, node, identity);
      if (!first) for (const line of waiting(met, node, preparedKey(identity))) say(line);
      first = met;
      waitMs = Math.min(Math.max(answer.retryMs, soonestMs), latestMs);
    } catch (thrown) {
      // Once it has been asked, the controller may restart, or be asked by too many.
      if (!first || isDenial(thrown)) throw thrown;
      if (!troubled) say(`Trying again: ${describe(thrown)}`);
      troubled = true;
      waitMs = soonestMs * 4;
    }
    await pause(waitMs);
  }
}

/** Digits of a key's fingerprint by which it is approved. */
const approvedDigits = 16;

function waiting({ place, cluster, authority }: Met, node: string, key: string): string[] {
  const own = keyFingerprint(key);
  return [
    `Asked to join the cluster '${cluster}' at ${formatPlace(place)} as '${node}'. On the controller's host,`,
    "'bluechictl cluster status' has to show this authority:",
    `  ${printFingerprint(authority.fingerprint)}`,
    "and 'bluechictl node pending' this key:",
    `  ${printFingerprint(own)}`,
    `If both do: bluechictl node approve ${node} ${printFingerprint(own.slice(0, approvedDigits))}`,
    "Waiting for that; who interrupts it can run it again.",
  ];
}

/** The key that this host asks a certificate for: the one of an attempt that was cut off, else a new one. */
function preparedKey(identity: IdentityFolder): string {
  const left = identity.prepared;
  if (left !== undefined) return left;
  const key = makeKey();
  identity.prepare(key);
  return key;
}

/** What a controller answers; a refusal with where it comes from. */
async function refusable<T>(met: Met, answer: Promise<T>): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    if (!(thrown instanceof Failure)) throw thrown;
    throw new Failure(thrown.errorName, `${at(met)} refuses: ${thrown.message}`);
  }
}

function at({ place }: Met): string {
  return `The controller at ${formatPlace(place)}`;
}

/** Keeps a certificate, if it is what was asked for. */
function accept(answer: Enrolled, met: Met, node: string, identity: IdentityFolder): Joined {
  const authorities = answer.authorities.flatMap((pem) => readCertificates(pem));
  const [certificate] = readCertificates(answer.certificate);
  const subject = judge(certificate, { authorities, role: "node", cluster: met.cluster, nowMs: Date.now() });
  const known = authorities.some(({ fingerprint }) => fingerprint === met.authority.fingerprint);
  if (!certificate || subject.node !== node || !known)
    throw new Failure(ErrorName.Failed, `${at(met)} has given a certificate that is not the one asked for`);
  identity.accept(chain(certificate, authorities), joinPem(authorities));
  return { node, cluster: met.cluster, place: met.place, expiresMs: certificate.notAfterMs };
}

/** A certificate, then its authority's, in PEM. */
function chain(certificate: Certificate, authorities: readonly Certificate[]): string {
  const issuer = authorities.find(({ x509 }) => certificate.x509.checkIssued(x509));
  return joinPem(issuer ? [certificate, issuer] : [certificate]);
}
