import { createHash } from "node:crypto";
import { ErrorName, Failure } from "../base/failure.ts";
import { checkClusterName, checkNodeName } from "./subject.ts";

/** What a host needs to join a cluster. */
export interface Token {
  readonly version: number;
  readonly cluster: string;
  readonly node: string;
  /** The fingerprint of the authority that the controller's certificate has to be of (SHA-256 of its DER, in hexadecimal digits). */
  readonly authority: string;
  /** What only who was given the token knows: 32 bytes. */
  readonly secret: Uint8Array;
  /** Where the controller listens for TLS, as HOST:PORT or [IPV6]:PORT; at least one. */
  readonly addresses: readonly string[];
}

export const tokenVersion = 1;
const hashBytes = 32;
export const secretBytes = 32;
const checkBytes = 4;
const maxAddresses = 8;
/** Characters of a token that are looked at. */
const maxToken = 4096;

/**
 * A token as one word that a shell, a mail and a QR code leave as it is: base64url of the version, the authority, the
 * secret, each text with its length before it, and a checksum.
 * @throws Failure InvalidArgs for what no token can carry.
 */
export function formatToken({ version, cluster, node, authority, secret, addresses }: Token): string {
  checkClusterName(cluster);
  checkNodeName(node);
  if (addresses.length === 0 || addresses.length > maxAddresses)
    throw new Failure(ErrorName.InvalidArgs, `a token carries 1 to ${maxAddresses} addresses`);
  const texts = [cluster, node, ...addresses].map((text) => {
    const bytes = Buffer.from(text);
    if (bytes.length > 255) throw new Failure(ErrorName.InvalidArgs, `'${text}' is too long for a token`);
    return Buffer.concat([Buffer.of(bytes.length), bytes]);
  });
  const content = Buffer.concat([Buffer.of(version), Buffer.from(authority, "hex"), secret, ...texts]);
  return Buffer.concat([content, checksum(content)]).toString("base64url");
}

/** @throws Failure InvalidArgs for a token that is cut off or changed, or of a version that is not known. */
export function parseToken(text: string): Token {
  const bytes = Buffer.from(text.trim().slice(0, maxToken), "base64url");
  const content = bytes.subarray(0, -checkBytes);
  // Of what is behind the last whole byte the decoder says nothing.
  const whole = bytes.toString("base64url") === text.trim() && content.length > 1 + hashBytes + secretBytes;
  if (!whole || !bytes.subarray(-checkBytes).equals(checksum(content)))
    throw new Failure(ErrorName.InvalidArgs, "the token is damaged or cut off: copy all of the line");
  const version = content[0] ?? 0;
  if (version !== tokenVersion)
    throw new Failure(
      ErrorName.InvalidArgs,
      `a token of version ${version} is not known here: use the same bluechi as the controller`,
    );
  let at = 1;
  const take = (length: number) => {
    at += length;
    return content.subarray(at - length, at);
  };
  const authority = take(hashBytes).toString("hex");
  const secret = new Uint8Array(take(secretBytes));
  const texts: string[] = [];
  while (at < content.length) texts.push(take(take(1)[0] ?? 0).toString());
  const [cluster = "", node = "", ...addresses] = texts;
  const token = { version, cluster, node, authority, secret, addresses };
  // Sealed by somebody who does not know how tokens are made.
  if (formatToken(token) !== bytes.toString("base64url")) throw new Failure(ErrorName.InvalidArgs, "not a token");
  return token;
}

function checksum(content: Uint8Array): Buffer {
  return createHash("sha256").update(content).digest().subarray(0, checkBytes);
}
