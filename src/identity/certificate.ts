import { X509Certificate } from "node:crypto";
import { ErrorName, Failure } from "../base/failure.ts";
import { parseSubject, type Subject } from "./subject.ts";

/** What a certificate says, whether it is true or not: that is for `judge`. */
export interface Certificate {
  /** Whose it is; undefined when it does not have exactly one name, one of ours. */
  readonly subject?: Subject | undefined;
  /** In hexadecimal digits. */
  readonly serial: string;
  /** Since the epoch. */
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** The object identifiers of its extended key usages. */
  readonly usages: readonly string[];
  /** SHA-256 of the DER, in hexadecimal digits. */
  readonly fingerprint: string;
  readonly der: Uint8Array;
  readonly pem: string;
  readonly x509: X509Certificate;
}

/** Bytes of a certificate that is looked at; ours have about 500. */
const maxBytes = 8 * 1024;
/** Certificates of a file that are read. */
const maxCertificates = 16;

/**
 * Reads a certificate.
 * @param bytes DER, or PEM of one certificate.
 * @throws Failure InvalidArgs for what is none.
 */
export function readCertificate(bytes: string | Uint8Array): Certificate {
  if (bytes.length > 2 * maxBytes) throw new Failure(ErrorName.InvalidArgs, `no certificate has ${bytes.length} bytes`);
  let x509: X509Certificate;
  try {
    x509 = new X509Certificate(bytes);
  } catch {
    throw new Failure(ErrorName.InvalidArgs, "not a certificate in X.509");
  }
  const der = new Uint8Array(x509.raw);
  const [notBeforeMs, notAfterMs] = [Date.parse(x509.validFrom), Date.parse(x509.validTo)];
  if (der.length > maxBytes || Number.isNaN(notBeforeMs) || Number.isNaN(notAfterMs))
    throw new Failure(ErrorName.InvalidArgs, "a certificate that is too large, or has no dates");
  return {
    // All of the alternative names as one text: with a second one, or one of another kind, it is no name of ours.
    subject: parseSubject(/^URI:(.+)$/.exec(x509.subjectAltName ?? "")?.[1] ?? ""),
    serial: x509.serialNumber.toLowerCase(),
    notBeforeMs,
    notAfterMs,
    usages: x509.keyUsage ?? [],
    fingerprint: x509.fingerprint256.replaceAll(":", "").toLowerCase(),
    der,
    pem: x509.toString().trimEnd().concat("\n"),
    x509,
  };
}

/**
 * Reads the certificates of a text, in their order.
 * @throws Failure InvalidArgs for a text with none, with something else between them, or with more than 16.
 */
export function readCertificates(pem: string): Certificate[] {
  const block = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----\s*/g;
  const blocks = pem.slice(0, 2 * maxBytes * maxCertificates).match(block) ?? [];
  if (blocks.length === 0 || blocks.length > maxCertificates || pem.trimStart() !== blocks.join(""))
    throw new Failure(ErrorName.InvalidArgs, `not 1 to ${maxCertificates} certificates in PEM`);
  return blocks.map((text) => readCertificate(text));
}

/** How far back a certificate of ours begins, for clocks that are late. */
export const backdatedMs = 5 * 60 * 1000;

/** When a certificate is to be renewed: at two thirds of its life, since the epoch. */
export function renewalDueMs({ notBeforeMs, notAfterMs }: Certificate): number {
  return notAfterMs - Math.max(0, notAfterMs - notBeforeMs - backdatedMs) / 3;
}
