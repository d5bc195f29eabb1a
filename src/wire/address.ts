import { ErrorName, Failure } from "../base/failure.ts";

/** A host (a name or an IP address) and port where TLS is spoken. */
export type TlsAddress = { readonly kind: "tls"; readonly host: string; readonly port: number };
/** A host and port where it is not, or the path of a unix socket. */
export type PlainAddress =
  | { readonly kind: "tcp"; readonly host: string; readonly port: number }
  | { readonly kind: "unix"; readonly path: string };
/** Where a peer is found. */
export type Address = PlainAddress | TlsAddress;

/**
 * The address in a D-Bus address (D-Bus specification, "Server Addresses") such as `tcp:host=10.0.0.1,port=842` or
 * `unix:path=/run/bluechi/bluechi.sock`, or `tls:host=10.0.0.1,port=843`, which is of our own making. Characters that need no
 * escape there may stand for themselves, so that IPv6 addresses can be written as they are.
 * @throws Failure InvalidArgs when it is no such address.
 */
export function parseAddress(text: string): Address {
  const colon = text.indexOf(":");
  const kind = text.slice(0, Math.max(colon, 0));
  if (kind !== "tcp" && kind !== "tls" && kind !== "unix") {
    throw invalid(text, "it begins neither with tls: nor with tcp: nor with unix:");
  }
  const values = parseValues(text, text.slice(colon + 1));
  const known = kind === "unix" ? ["path"] : ["host", "port"];
  for (const key of values.keys()) if (!known.includes(key)) throw invalid(text, `'${key}' is not supported`);
  const [first = "", port = ""] = known.map((key) => values.get(key) ?? "");
  if (first === "") throw invalid(text, `it has no ${known[0]}`);
  if (kind === "unix") return { kind, path: first };
  if (!isPort(port)) throw invalid(text, "its port is not a number from 1 to 65535");
  return { kind, host: first, port: Number(port) };
}

/** The address in the syntax of D-Bus, with its escapes. */
export function formatAddress(address: Address): string {
  if (address.kind === "unix") return `unix:path=${escaped(address.path)}`;
  return `${address.kind}:host=${escaped(address.host)},port=${address.port}`;
}

function parseValues(text: string, list: string): Map<string, string> {
  const values = new Map<string, string>();
  for (const pair of list.split(",")) {
    const [key = "", value] = pair.split("=", 2);
    if (value === undefined || pair.split("=").length > 2) throw invalid(text, `'${pair}' is no key=value`);
    if (values.has(key)) throw invalid(text, `'${key}' is given twice`);
    values.set(key, plainOf(text, value));
  }
  return values;
}

function plainOf(text: string, value: string): string {
  try {
    const plain = decodeURIComponent(value);
    if (!plain.includes("\0") && !value.includes(";")) return plain;
  } catch {
    // Told below.
  }
  throw invalid(text, `'${value}' is no value`);
}

/** All bytes but those that the D-Bus specification lets stand for themselves become `%xx`. */
function escaped(value: string): string {
  let text = "";
  for (const byte of Buffer.from(value)) {
    const char = String.fromCharCode(byte);
    text += /[-0-9A-Za-z_/.\\*]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return text;
}

function isPort(text: string): boolean {
  return /^[0-9]{1,5}$/.test(text) && Number(text) > 0 && Number(text) < 65536;
}

function invalid(text: string, why: string): Failure {
  return new Failure(ErrorName.InvalidArgs, `'${text}' is not an address: ${why}`);
}
