import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { readCertificate } from "../../identity/certificate.ts";
import type { Credentials } from "../../identity/credentials.ts";
import { judge } from "../../identity/judge.ts";
import { parseAddress } from "../../wire/address.ts";
import { connect, type SocketOptions } from "../../wire/sockets.ts";
import { connectTls } from "../../wire/tls-sockets.ts";
import type { Transport } from "../../wire/transport.ts";
import { type AgentSettings, isSecure } from "./settings.ts";

interface DialOptions extends SocketOptions {
  readonly security: AgentSettings["Security"];
  /** What this node shows of itself, and whom it believes; undefined as long as it has no certificate. */
  readonly credentials: Credentials | undefined;
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

/**
 * Connects to a controller: over a network with TLS, to one of the own cluster, or plainly where that is allowed.
 * @throws Failure AccessDenied when it is not, or the controller is somebody else; Failed when nobody answers.
 */
export async function dial(
  text: string,
  { security, credentials, clock, ...options }: DialOptions,
): Promise<Transport> {
  checkPermitted(text, isSecure(security, credentials !== undefined));
  const address = parseAddress(text);
  if (address.kind !== "tls") return connect(address, options);
  if (!credentials) {
    const why = `${text} is not connected to: this node has no certificate (see bluechi join)`;
    throw new Failure(ErrorName.AccessDenied, why);
  }
  const { authorities, cluster } = credentials;
  const check = ([leaf]: readonly Uint8Array[]): void => {
    const nowMs = Number(clock.realtimeUs() / 1000n);
    judge(leaf && readCertificate(leaf), { authorities, role: "controller", cluster, nowMs });
  };
  return connectTls(address, { ...options, credentials, check });
}

/** @throws Failure AccessDenied for an address that would be spoken to plainly over a network, where only TLS is allowed. */
export function checkPermitted(address: string, secure: boolean): void {
  if (!secure || !address.startsWith("tcp:")) return;
  const where = `${address} is not connected to`;
  throw new Failure(ErrorName.AccessDenied, `${where}: it is without TLS, and this agent takes TLS only (Security=)`);
}
