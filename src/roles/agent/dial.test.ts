import { expect, test } from "bun:test";
import { systemClock } from "../../base/clock.ts";
import { ErrorName } from "../../base/failure.ts";
import { checkPermitted, dial } from "./dial.ts";

const { signal } = new AbortController();
const options = { credentials: undefined, clock: systemClock, signal };

test("with TLS only, no address of a plain port is connected to; the unix socket is", () => {
  const message =
    "tcp:host=a,port=842 is not connected to: it is without TLS, and this agent takes TLS only (Security=)";
  expect(() => checkPermitted("tcp:host=a,port=842", true)).toThrow(message);
  for (const [address, secure] of [
    ["tcp:host=a,port=842", false],
    ["tls:host=a,port=843", true],
    ["unix:path=/a", true],
    ["nonsense", true],
  ] as const) {
    checkPermitted(address, secure);
  }
});

test("without a certificate TLS is not spoken, and Security=tls does not fall back", async () => {
  for (const [address, why] of [
    ["tls:host=127.0.0.1,port=843", "this node has no certificate (see bluechi join)"],
    ["tcp:host=127.0.0.1,port=842", "it is without TLS, and this agent takes TLS only (Security=)"],
  ] as const) {
    await expect(dial(address, { ...options, security: "tls" })).rejects.toMatchObject({
      errorName: ErrorName.AccessDenied,
      message: `${address} is not connected to: ${why}`,
    });
  }
});
