import { ErrorName, Failure } from "../base/failure.ts";
import type { TlsAddress } from "./address.ts";

/**
 * Where a controller speaks TLS, written as people do: HOST, HOST:PORT, [IPV6]:PORT, or an IPv6 address.
 * @param defaultPort where none is said.
 * @throws Failure InvalidArgs
 */
export function parsePlace(text: string, defaultPort: number): TlsAddress {
  const bracketed = /^\[([0-9a-fA-F.]*(?::[0-9a-fA-F.]*){2,}(?:%[\w.-]+)?)\](?::(\d{1,5}))?$/.exec(text);
  const named = /^([\w.-]+)(?::(\d{1,5}))?$/.exec(text);
  const bare = /^([0-9a-fA-F.]*(?::[0-9a-fA-F.]*){2,}(?:%[\w.-]+)?)$/.exec(text);
  const [, host, port = `${defaultPort}`] = bracketed ?? named ?? bare ?? [];
  if (host === undefined || Number(port) < 1 || Number(port) > 65_535)
    throw new Failure(ErrorName.InvalidArgs, `'${text}' is neither HOST nor HOST:PORT nor [IPV6]:PORT`);
  return { kind: "tls", host, port: Number(port) };
}

/** The same with its port, as parsePlace reads it. */
export function formatPlace({ host, port }: TlsAddress): string {
  return host.includes(":") ? `[${host}]:${port}` : `${host}:${port}`;
}
