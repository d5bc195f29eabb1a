import type { Body } from "../base/body.ts";

/** @throws Failure InvalidArgs naming the type for a value that cannot be sent. */
export function encodeBody(_signature: string, _values: readonly unknown[]): Body {
  throw new Error("signatures only");
}
