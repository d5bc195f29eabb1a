import type { Body } from "../base/body.ts";

/** @throws Failure InconsistentMessage when a D-Bus message may not carry this body. */
export function validateBody(_body: Body): void {
  throw new Error("signatures only");
}
