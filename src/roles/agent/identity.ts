import { isDeepStrictEqual } from "node:util";
import type { Clock, Timer } from "../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { type Certificate, readCertificate, readCertificates, renewalDueMs } from "../../identity/certificate.ts";
import { type Credentials, type IdentityFolder, joinPem, ownCertificate } from "../../identity/credentials.ts";
import { makeKey, makeRequest } from "../../identity/request.ts";
import type { Handlers } from "../../wire/messages.ts";
import type { Transport } from "../../wire/transport.ts";
import type { ControllerSession } from "./link.ts";

interface IdentityOptions {
  /** Undefined when there is nowhere to keep one. */
  readonly folder: IdentityFolder | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly random?: () => number;
}

/** Authorities that a controller may tell of: two, while one gives way to another. */
const maxAuthorities = 4;
/** Over how long renewals are spread that become due for a whole fleet. */
const spreadMs = 60_000;
/** How long it takes from one renewal to the next, at least, whatever the clocks and the controller say; and a hundredth of a life. */
const restMs = 10_000;
const restOfLife = 0.01;
/** How long after a renewal that failed the next one is tried. */
const retryMs = 60_000;
/** How often it is looked whether one is due, at least, as a clock may be set. */
const lookMs = 6 * 3600_000;
const answerMs = 20_000;

/**
 * Who this node is, by its certificate. While there is a link it is renewed over that: at two thirds of its life, and when another
 * authority issues certificates. The link goes on; the next one shows the new certificate. A link that others can change does
 * neither: over that anybody could say whom to believe.
 */
export class Identity {
  readonly #options: IdentityOptions;
  /** The part of a spread that this agent waits. */
  readonly #part: number;
  #session: ControllerSession | undefined;
  #timer: Timer | undefined;
  #renewing = false;
  /** When the last renewal was, in ms of the clock that never jumps. */
  #renewedMs = Number.NEGATIVE_INFINITY;

  constructor(options: IdentityOptions) {
    this.#options = options;
    this.#part = (options.random ?? Math.random)();
  }

  /** What this node shows of itself now, undefined when it has no certificate. @throws Failure when that cannot be used. */
  read(): Credentials | undefined {
    return this.#options.folder?.read();
  }

  /** There is a session. */
  online(session: ControllerSession): void {
    if (!session.secure) return;
    this.#session = session;
    this.#schedule();
  }

  offline(): void {
    this.#session = undefined;
    this.#timer?.cancel();
  }

  /** Takes over whom the controller says to believe, by a link that nobody else can change: see `trusting`. */
  believe(pems: readonly string[]): void {
    const { folder, log } = this.#options;
    try {
      const before = this.read();
      if (!folder || !before) return;
      const authorities = checkAuthorities(pems);
      if (joinPem(authorities) === joinPem(before.authorities)) return;
      folder.keepAuthorities(joinPem(authorities));
      const names = authorities.map(({ fingerprint }) => fingerprint).join(" and ");
      log.info(`The cluster has other authorities now: ${names}`);
      this.#schedule();
    } catch (error) {
      log.warn(`What the controller tells of the cluster's authorities is not taken over: ${describe(error)}`);
    }
  }

  #schedule(): void {
    this.#timer?.cancel();
    if (!this.#session || this.#renewing) return;
    const waitMs = this.#waitMs();
    if (waitMs === undefined) return;
    const next = () => (waitMs > lookMs ? this.#schedule() : this.#renew());
    this.#timer = this.#options.clock.after(Math.min(lookMs, waitMs), next);
  }

  /** In how many ms the certificate is to be renewed; undefined when there is none that could be. */
  #waitMs(): number | undefined {
    const { clock, log } = this.#options;
    try {
      const credentials = this.read();
      if (!credentials) return undefined;
      const own = ownCertificate(credentials);
      const issuer = credentials.authorities.at(-1);
      const dueMs = renewalDueMs(own);
      const lastThirdMs = own.notAfterMs - dueMs;
      const ownPartMs = this.#part * Math.min(spreadMs, lastThirdMs / 2);
      const restedMs = clock.monotonicMs() - this.#renewedMs;
      if (issuer && !own.x509.verify(issuer.x509.publicKey)) return Math.max(ownPartMs, restMs - restedMs);
      const nowMs = Number(clock.realtimeUs() / 1000n);
      return Math.max(dueMs + ownPartMs - nowMs, Math.max(restMs, lastThirdMs * 3 * restOfLife) - restedMs, 0);
    } catch (error) {
      log.warn(describe(error));
      return undefined;
    }
  }

  #renew(): void {
    const { clock, log } = this.#options;
    this.#renewing = true;
    this.#fetch().then(
      () => {
        this.#renewing = false;
        this.#renewedMs = clock.monotonicMs();
        log.info("The certificate of this node is renewed");
        this.#schedule();
      },
      (error) => {
        this.#renewing = false;
        if (!this.#session) return;
        log.warn(`The certificate of this node cannot be renewed, trying again later: ${describe(error)}`);
        this.#timer = clock.after(retryMs, () => this.#renew());
      },
    );
  }

  /** Fetches a certificate for a new key, and takes it over. */
  async #fetch(): Promise<void> {
    const { folder } = this.#options;
    const [session, before] = [this.#session, this.read()];
    if (!session || !folder || !before) throw new Error("there is nothing to renew any more");
    const key = makeKey();
    folder.prepare(key);
    const request = { request: makeRequest(key) };
    const timedOut = `the controller has not answered within ${answerMs / 1000} s`;
    const { certificate, authorities } = await session.call("renewCertificate", request, {
      timeoutMs: answerMs,
      timedOut,
    });
    const [leaf] = readCertificates(certificate);
    if (!leaf || !isDeepStrictEqual(leaf.subject, ownCertificate(before).subject))
      throw new Failure(ErrorName.InvalidArgs, "the controller has sent a certificate for somebody else");
    folder.accept(certificate, joinPem(checkAuthorities(authorities)));
  }
}

/** What may come in over a link: who speaks over one that others can change is not asked whom to believe. */
export function trusting(
  handlers: Handlers<"agent">,
  { secure, peer }: Pick<Transport, "secure" | "peer">,
): Handlers<"agent"> {
  return secure || peer === "" ? handlers : { ...handlers, authoritiesChanged: () => {} };
}

/** @throws Failure InvalidArgs for what are no authorities. */
function checkAuthorities(pems: readonly string[]): Certificate[] {
  const authorities = pems.slice(0, maxAuthorities + 1).map((pem) => readCertificate(pem));
  if (authorities.length > 0 && authorities.length <= maxAuthorities && authorities.every(({ x509 }) => x509.ca))
    return authorities;
  throw new Failure(ErrorName.InvalidArgs, `these are not 1 to ${maxAuthorities} authorities`);
}
