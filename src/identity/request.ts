import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from "node:crypto";

/** Makes a key for a certificate (ECDSA, P-256). @returns PKCS #8 in PEM. */
export function makeKey(): string {
  const { privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  return privateKey.export({ type: "pkcs8", format: "pem" }) as string;
}

/** The elements of the request that do not depend on the key, as DER (RFC 2986, 4). */
const version = Buffer.from("020100", "hex");
const noName = Buffer.from("3000", "hex");
const noAttributes = Buffer.from("a000", "hex");
const ecdsaWithSha256 = Buffer.from("300a06082a8648ce3d040302", "hex");

/**
 * Makes a certificate signing request, which proves that its sender has the key. It names nobody: whom a certificate is for
 * is known by whoever issues it. Made here, of what the runtime signs and exports: an agent does not load a library for it.
 * @param keyPem as `makeKey` has made it.
 * @returns DER.
 */
export function makeRequest(keyPem: string): Uint8Array {
  const key = createPrivateKey(keyPem);
  const publicKey = createPublicKey(key).export({ type: "spki", format: "der" });
  const content = element(0x30, version, noName, publicKey, noAttributes);
  const signature = element(0x03, Buffer.of(0), sign("sha256", content, key));
  return new Uint8Array(element(0x30, content, ecdsaWithSha256, signature));
}

/** The fingerprint of a key, by which people know a host: SHA-256 of the public key's DER, in hexadecimal digits. */
export function keyFingerprint(keyPem: string): string {
  const publicKey = createPublicKey(createPrivateKey(keyPem)).export({ type: "spki", format: "der" });
  return createHash("sha256").update(publicKey).digest("hex");
}

/** An element in DER: what it is, how long, and what is in it. */
function element(tag: number, ...parts: readonly Buffer[]): Buffer {
  const content = Buffer.concat(parts);
  const { length } = content;
  const size = length < 0x80 ? [length] : length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
  return Buffer.concat([Buffer.of(tag, ...size), content]);
}
