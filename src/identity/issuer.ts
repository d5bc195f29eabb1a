import { createHash, createPrivateKey, createPublicKey, randomBytes } from "node:crypto";
import { ErrorName, Failure } from "../base/failure.ts";
import { backdatedMs } from "./certificate.ts";
import { usageOf } from "./judge.ts";
import { checkClusterName, formatSubject, type Subject } from "./subject.ts";

/** How long an authority's certificate lives. */
const authorityMs = 10 * 365 * 24 * 3600 * 1000;
/** How long others live by default: 90 days. */
const certificateMs = 90 * 24 * 3600 * 1000;

const algorithm = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };

/** Makes an authority that signs its own certificate. @returns the certificate in PEM. */
export async function makeAuthority(cluster: string, keyPem: string, nowMs = Date.now()): Promise<string> {
  checkClusterName(cluster);
  const x509 = await library();
  const keys = await keyPair(keyPem);
  // Authorities of the same cluster are told from each other by their names, too.
  const name = [{ CN: [`bluechi ${cluster} ${randomBytes(4).toString("hex")}`] }];
  const certificate = await x509.X509CertificateGenerator.createSelfSigned({
    serialNumber: serialNumber(),
    name,
    ...dates(nowMs, authorityMs),
    signingAlgorithm: algorithm,
    keys,
    extensions: [
      new x509.BasicConstraintsExtension(true, 0, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
    ],
  });
  return pem(certificate);
}

interface Order {
  readonly authorityPem: string;
  readonly authorityKeyPem: string;
  /** Whom the certificate is for. */
  readonly subject: Subject;
  /** A certificate signing request in DER, of which nothing is taken but the key. */
  readonly request: Uint8Array;
  /** How long the certificate lives from now on; not longer than its authority's. */
  readonly lifetimeMs?: number;
  readonly nowMs?: number;
}

/**
 * Makes a certificate for who has asked for one.
 * @returns it, in PEM.
 * @throws Failure InvalidArgs for a request that is none, whose signature is wrong, or with a key of another kind.
 */
export async function issue(order: Order): Promise<string> {
  const { authorityPem, authorityKeyPem, subject, request, lifetimeMs = certificateMs, nowMs = Date.now() } = order;
  const x509 = await library();
  const publicKey = await requestedKey(request);
  const authority = new x509.X509Certificate(authorityPem);
  const { notBefore, notAfter } = dates(nowMs, lifetimeMs);
  const certificate = await x509.X509CertificateGenerator.create({
    serialNumber: serialNumber(),
    subject: [{ CN: [`${subject.role} of ${subject.cluster}`] }],
    issuer: authority.subjectName,
    notBefore,
    notAfter: new Date(Math.min(notAfter.getTime(), authority.notAfter.getTime())),
    publicKey,
    signingKey: (await keyPair(authorityKeyPem)).privateKey,
    signingAlgorithm: algorithm,
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      new x509.ExtendedKeyUsageExtension([usageOf[subject.role]], true),
      new x509.SubjectAlternativeNameExtension([{ type: "url", value: formatSubject(subject) }]),
      await x509.AuthorityKeyIdentifierExtension.create(authority.publicKey),
    ],
  });
  return pem(certificate);
}

/** As `keyFingerprint`, of the key in a request. @throws Failure InvalidArgs as `issue`. */
export async function requestFingerprint(request: Uint8Array): Promise<string> {
  const spki = await crypto.subtle.exportKey("spki", await requestedKey(request));
  return createHash("sha256").update(new Uint8Array(spki)).digest("hex");
}

/** The key of a request that its sender has proved to have. */
async function requestedKey(der: Uint8Array): Promise<CryptoKey> {
  const x509 = await library();
  try {
    const request = new x509.Pkcs10CertificateRequest(new Uint8Array(der));
    if (!(await request.verify())) throw new Error("its signature is wrong");
    // Keys of other kinds cannot be imported so.
    return await request.publicKey.export(algorithm, ["verify"]);
  } catch {
    const message = "not a certificate signing request with a P-256 key that is signed with that key";
    throw new Failure(ErrorName.InvalidArgs, message);
  }
}

/** Made by chance, of the same length always, and positive. */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = ((bytes[0] ?? 0) & 0x3f) | 0x40;
  return bytes.toString("hex");
}

function dates(nowMs: number, lifetimeMs: number): { notBefore: Date; notAfter: Date } {
  return { notBefore: new Date(nowMs - backdatedMs), notAfter: new Date(nowMs + lifetimeMs) };
}

async function keyPair(keyPem: string): Promise<CryptoKeyPair> {
  const key = createPrivateKey(keyPem);
  const [pkcs8, spki] = [
    key.export({ type: "pkcs8", format: "der" }),
    createPublicKey(key).export({ type: "spki", format: "der" }),
  ];
  return {
    privateKey: await crypto.subtle.importKey("pkcs8", pkcs8, algorithm, false, ["sign"]),
    publicKey: await crypto.subtle.importKey("spki", spki, algorithm, true, ["verify"]),
  };
}

function pem(certificate: { toString(format: "pem"): string }): string {
  return `${certificate.toString("pem").trimEnd()}\n`;
}

/** The library takes time to load, and memory: only who issues certificates has it. */
async function library() {
  await import("reflect-metadata");
  const x509 = await import("@peculiar/x509");
  x509.cryptoProvider.set(crypto);
  return x509;
}
