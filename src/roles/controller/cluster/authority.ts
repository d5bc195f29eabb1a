import { existsSync, renameSync, rmSync } from "node:fs";
import { join } from "node:path";
import { type Certificate, readCertificate } from "../../../identity/certificate.ts";
import { type Credentials, isKeyOf } from "../../../identity/credentials.ts";
import { issue, makeAuthority } from "../../../identity/issuer.ts";
import { makePrivateFolder, readPrivate, removePrivate, writePrivate } from "../../../identity/private-files.ts";
import { makeKey, makeRequest } from "../../../identity/request.ts";
import type { Subject } from "../../../identity/subject.ts";

/** A certificate and its key. */
interface Pair {
  readonly certificate: Certificate;
  /** PKCS #8 in PEM. */
  readonly key: string;
}

/**
 * The authority of a cluster, and the controller's own certificate, in a folder: `authority.pem`, `controller.pem`, and as
 * long as another authority is giving way to this one, that one as `retiring.pem`. In each is a certificate and its key, so
 * that both change at once. The controller's certificate is of the retiring one, if there is one: that is what nodes believe
 * who have been away.
 */
export class Authority {
  readonly cluster: string;
  readonly #folder: string;
  #current: Pair;
  #retiring: Pair | undefined;
  #own: Pair;
  #credentials: Credentials;

  private constructor(folder: string, cluster: string, current: Pair, retiring: Pair | undefined, own: Pair) {
    this.#folder = folder;
    this.cluster = cluster;
    this.#current = current;
    this.#retiring = retiring;
    this.#own = own;
    this.#credentials = this.#makeCredentials();
  }

  /**
   * Makes the folder, with an authority in it. The folder is there as a whole or not at all.
   * @param more what else is in it, by file name.
   */
  static async make(
    folder: string,
    cluster: string,
    { nowMs, lifetimeMs, more }: { nowMs: number; lifetimeMs: number; more: Readonly<Record<string, string>> },
  ): Promise<Authority> {
    const current = await newAuthority(cluster, nowMs);
    const own = await controllerPair(cluster, current, nowMs, lifetimeMs);
    const fresh = `${folder}.new`;
    rmSync(fresh, { recursive: true, force: true });
    makePrivateFolder(fresh);
    for (const [name, text] of Object.entries(more)) writePrivate(join(fresh, name), text);
    writePair(fresh, "authority.pem", current);
    writePair(fresh, "controller.pem", own);
    renameSync(fresh, folder);
    return new Authority(folder, cluster, current, undefined, own);
  }

  /** @throws Error that says which file is bad, and how. */
  static read(folder: string, cluster: string): Authority {
    const [current, own] = [readPair(folder, "authority.pem"), readPair(folder, "controller.pem")];
    const kept = existsSync(join(folder, "retiring.pem")) ? readPair(folder, "retiring.pem") : undefined;
    // A rotation was begun, and not yet the new authority written.
    const retiring = kept?.certificate.fingerprint === current.certificate.fingerprint ? undefined : kept;
    const { subject } = own.certificate;
    if (subject?.role !== "controller" || subject.cluster !== cluster)
      throw new Error(`controller.pem is not for the controller of '${cluster}'`);
    if (![current, retiring].some((pair) => pair && own.certificate.x509.verify(pair.certificate.x509.publicKey)))
      throw new Error("controller.pem is not of the authority in authority.pem");
    return new Authority(folder, cluster, current, retiring, own);
  }

  /** That which certificates are issued by. */
  get current(): Certificate {
    return this.#current.certificate;
  }

  /** That which is giving way to it. */
  get retiring(): Certificate | undefined {
    return this.#retiring?.certificate;
  }

  /** That which the controller's own certificate is of, which who joins has to know. */
  get shown(): Certificate {
    return this.#shown.certificate;
  }

  /** The controller's own certificate. */
  get own(): Certificate {
    return this.#own.certificate;
  }

  /** All that are trusted, the current one last. */
  get trusted(): readonly Certificate[] {
    return this.retiring ? [this.retiring, this.current] : [this.current];
  }

  /** The same ones until something about them changes. */
  get credentials(): Credentials {
    return this.#credentials;
  }

  /** Issues a certificate. @throws Failure InvalidArgs for a bad request. */
  async issue(subject: Subject, request: Uint8Array, nowMs: number, lifetimeMs: number): Promise<Certificate> {
    return issueBy(this.#current, subject, request, nowMs, lifetimeMs);
  }

  /** Gives the controller another certificate. */
  async renewOwn(nowMs: number, lifetimeMs: number): Promise<void> {
    const own = await controllerPair(this.cluster, this.#shown, nowMs, lifetimeMs);
    writePair(this.#folder, "controller.pem", own);
    this.#own = own;
    this.#credentials = this.#makeCredentials();
  }

  /** Makes an authority that takes the place of the present one, which stays trusted until `finish`. */
  async rotate(nowMs: number): Promise<void> {
    const next = await newAuthority(this.cluster, nowMs);
    writePair(this.#folder, "retiring.pem", this.#current);
    writePair(this.#folder, "authority.pem", next);
    this.#retiring = this.#current;
    this.#current = next;
    this.#credentials = this.#makeCredentials();
  }

  /** Trusts the current authority only. */
  async finish(nowMs: number, lifetimeMs: number): Promise<void> {
    const own = await controllerPair(this.cluster, this.#current, nowMs, lifetimeMs);
    writePair(this.#folder, "controller.pem", own);
    removePrivate(join(this.#folder, "retiring.pem"));
    this.#own = own;
    this.#retiring = undefined;
    this.#credentials = this.#makeCredentials();
  }

  #makeCredentials(): Credentials {
    const certificate = this.own.pem + this.shown.pem;
    return { certificate, key: this.#own.key, authorities: this.trusted, cluster: this.cluster };
  }

  /** When the controller's own certificate is not of `shown`, the end of a rotation was interrupted, and is done again. */
  get #shown(): Pair {
    const pairs = [this.#retiring, this.#current];
    return pairs.find((pair) => pair && this.own.x509.verify(pair.certificate.x509.publicKey)) ?? this.#current;
  }
}

async function newAuthority(cluster: string, nowMs: number): Promise<Pair> {
  const key = makeKey();
  return { certificate: readCertificate(await makeAuthority(cluster, key, nowMs)), key };
}

async function controllerPair(cluster: string, authority: Pair, nowMs: number, lifetimeMs: number): Promise<Pair> {
  const key = makeKey();
  const subject = { cluster, role: "controller" } as const;
  return { certificate: await issueBy(authority, subject, makeRequest(key), nowMs, lifetimeMs), key };
}

async function issueBy(
  { certificate, key }: Pair,
  subject: Subject,
  request: Uint8Array,
  nowMs: number,
  lifetimeMs: number,
): Promise<Certificate> {
  const order = { authorityPem: certificate.pem, authorityKeyPem: key, subject, request, nowMs, lifetimeMs };
  return readCertificate(await issue(order));
}

function writePair(folder: string, name: string, { certificate, key }: Pair): void {
  writePrivate(join(folder, name), certificate.pem + key);
}

/** @throws Error that names the file. */
function readPair(folder: string, name: string): Pair {
  const text = readPrivate(join(folder, name));
  if (text === undefined) throw new Error(`${name} is missing`);
  const [, certificate = "", key = ""] =
    /^(.*-----END CERTIFICATE-----\n)(-----BEGIN PRIVATE KEY-----.*)$/s.exec(text) ?? [];
  try {
    const read = readCertificate(certificate);
    if (isKeyOf(read, key)) return { certificate: read, key };
  } catch {
    // Said below.
  }
  throw new Error(`${name} does not have a certificate and its key`);
}
