import { createPrivateKey } from "node:crypto";
import { join } from "node:path";
import { describe, ErrorName, Failure } from "../base/failure.ts";
import { type Certificate, readCertificate, readCertificates } from "./certificate.ts";
import { makePrivateFolder, readPrivate, removePrivate, writePrivate } from "./private-files.ts";

/** What a side of the link shows of itself, and whom it believes. */
export interface Credentials {
  /** Its certificate, then the authority's that has made it, in PEM. */
  readonly certificate: string;
  /** PKCS #8 in PEM. */
  readonly key: string;
  readonly authorities: readonly Certificate[];
  readonly cluster: string;
}

/**
 * The identity of a node in a folder: `key.pem`, `certificate.pem`, `authorities.pem`. A key that is to replace the present
 * one lies in `next-key.pem` until there is a certificate for it, so that there is a pair at each moment.
 */
export class IdentityFolder {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /**
   * @returns undefined when there is no identity.
   * @throws Failure when there is one that cannot be read or used, which says what to do.
   */
  read(): Credentials | undefined {
    try {
      const certificate = this.#file("certificate.pem");
      if (certificate === undefined) return undefined;
      const [leaf] = readCertificates(certificate);
      if (!leaf?.subject) throw new Error("certificate.pem names no node");
      const authorities = readCertificates(this.#file("authorities.pem") ?? "");
      const keys = [this.#file("key.pem"), this.#file("next-key.pem")];
      const key = keys.find((pem) => pem !== undefined && isKeyOf(leaf, pem));
      if (key === undefined) throw new Error("there is no key that belongs to certificate.pem");
      return { certificate, key, authorities, cluster: leaf.subject.cluster };
    } catch (error) {
      const message = `the identity in '${this.path}' cannot be used: ${describe(error)}; join the cluster again`;
      throw new Failure(ErrorName.Failed, message);
    }
  }

  /** The key that was prepared last, if no certificate has come for it yet. */
  get prepared(): string | undefined {
    return this.#file("next-key.pem");
  }

  /** Keeps a key that a certificate is going to be asked for. */
  prepare(key: string): void {
    makePrivateFolder(this.path);
    writePrivate(join(this.path, "next-key.pem"), key);
  }

  /**
   * Takes over a certificate for the key that was prepared.
   * @param certificate it, then its authority's, in PEM.
   * @param authorities all that are trusted, in PEM.
   * @throws Failure InvalidArgs when it is not for that key.
   */
  accept(certificate: string, authorities: string): void {
    const key = this.#file("next-key.pem");
    const [leaf] = readCertificates(certificate);
    if (key === undefined || !leaf || !isKeyOf(leaf, key))
      throw new Failure(ErrorName.InvalidArgs, "the certificate is not for the key that was made here");
    this.keepAuthorities(authorities);
    writePrivate(join(this.path, "certificate.pem"), certificate);
    writePrivate(join(this.path, "key.pem"), key);
    removePrivate(join(this.path, "next-key.pem"));
  }

  /** Keeps the authorities that are trusted from now on, in PEM. @throws Failure InvalidArgs when there are none. */
  keepAuthorities(authorities: string): void {
    readCertificates(authorities);
    writePrivate(join(this.path, "authorities.pem"), authorities);
  }

  #file(name: string): string | undefined {
    return readPrivate(join(this.path, name));
  }
}

/** Whether a key is that of a certificate. */
export function isKeyOf(certificate: Certificate, keyPem: string): boolean {
  return certificate.x509.checkPrivateKey(createPrivateKey(keyPem));
}

/** The certificate that credentials are for. */
export function ownCertificate({ certificate }: Credentials): Certificate {
  return readCertificate(certificate);
}

/** Certificates as one text in PEM. */
export function joinPem(certificates: readonly Certificate[]): string {
  return certificates.map(({ pem }) => pem).join("");
}
