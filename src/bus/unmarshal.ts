import type { Body } from "../base/body.ts";

/** @throws Failure InconsistentMessage when the bytes do not hold what the signature says. */
export function decodeBody(_body: Body): unknown[] {
  throw new Error("signatures only");
}

/** The body of the array that is the top-level value `index`, without decoding it. */
export function sliceArray(_body: Body, _index: number): Body {
  throw new Error("signatures only");
}
