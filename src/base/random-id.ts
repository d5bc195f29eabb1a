import { randomBytes } from "node:crypto";

/** A number that tells its owner from all others. Its top bit is set, so that it is as long as any other on the wire. */
export function randomId(): bigint {
  return randomBytes(8).readBigUInt64LE() | (1n << 63n);
}
