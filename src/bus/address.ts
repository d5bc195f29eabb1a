import { ErrorName, Failure } from "../base/failure.ts";

/** Where a bus listens: one entry of a D-Bus address. */
export type Endpoint =
  | { readonly path: string }
  | { readonly host: string; readonly port: number; readonly family: 0 | 4 | 6 };

type Environment = Readonly<Record<string, string | undefined>>;

/** DBUS_SYSTEM_BUS_ADDRESS, or where the system bus listens (D-Bus specification, "Well-known Message Bus Instances"). */
export function systemBusAddress(environment: Environment = process.env): string {
  // /var/run is the specification's; where /run is the real one, the other need not exist at boot.
  return (
    environment.DBUS_SYSTEM_BUS_ADDRESS ||
    "unix:path=/run/dbus/system_bus_socket;unix:path=/var/run/dbus/system_bus_socket"
  );
}

/**
 * DBUS_SESSION_BUS_ADDRESS, or where systemd's user bus listens.
 * @throws Failure when neither that nor XDG_RUNTIME_DIR is set.
 */
export function userBusAddress(environment: Environment = process.env): string {
  const given = environment.DBUS_SESSION_BUS_ADDRESS;
  if (given) return given;
  const folder = environment.XDG_RUNTIME_DIR;
  if (folder) return `unix:path=${escapeAddress(`${folder}/bus`)}`;
  throw new Failure(
    ErrorName.Failed,
    "cannot find the user bus: neither DBUS_SESSION_BUS_ADDRESS nor XDG_RUNTIME_DIR is set",
  );
}

/** A value as it may stand in an address (D-Bus specification, "Server Addresses"). */
export function escapeAddress(value: string): string {
  let escaped = "";
  for (const byte of Buffer.from(value)) {
    const char = String.fromCharCode(byte);
    escaped += /[-0-9A-Za-z_/.*]/.test(char) ? char : `%${byte.toString(16).padStart(2, "0")}`;
  }
  return escaped;
}

/**
 * The places an address names, in the order to try them; transports that we do not speak are left out.
 * @throws Failure InvalidArgs when the address is malformed, or names no place that we can reach.
 */
export function parseAddress(address: string): Endpoint[] {
  const endpoints: Endpoint[] = [];
  for (const entry of address.split(";")) {
    if (entry === "") continue;
    const endpoint = parseEntry(entry, address);
    if (endpoint) endpoints.push(endpoint);
  }
  if (endpoints.length === 0) throw invalid(address, "it names no unix socket and no TCP port");
  return endpoints;
}

function invalid(address: string, why: string): Failure {
  return new Failure(ErrorName.InvalidArgs, `invalid bus address '${address}': ${why}`);
}

function parseEntry(entry: string, address: string): Endpoint | undefined {
  const colon = entry.indexOf(":");
  if (colon < 1) throw invalid(address, `'${entry}' has no transport`);
  const values = new Map<string, string>();
  for (const pair of entry.slice(colon + 1).split(",")) {
    if (pair === "") continue;
    const equals = pair.indexOf("=");
    if (equals < 1) throw invalid(address, `'${pair}' is no key=value`);
    values.set(pair.slice(0, equals), unescapeValue(pair.slice(equals + 1), address));
  }
  switch (entry.slice(0, colon)) {
    case "unix":
      return unixEndpoint(values);
    case "tcp":
      return tcpEndpoint(values, address);
    default:
      return undefined;
  }
}

function unescapeValue(value: string, address: string): string {
  if (/%(?![0-9A-Fa-f]{2})/.test(value)) throw invalid(address, `'${value}' has a bad escape`);
  const bytes = value.replace(/%(..)/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return value.includes("%") ? Buffer.from(bytes, "latin1").toString() : value;
}

function unixEndpoint(values: Map<string, string>): Endpoint | undefined {
  const path = values.get("path");
  if (path) return { path };
  const abstract = values.get("abstract");
  if (abstract) return { path: `\0${abstract}` };
  const folder = process.env.XDG_RUNTIME_DIR;
  return values.get("runtime") === "yes" && folder ? { path: `${folder}/bus` } : undefined;
}

function tcpEndpoint(values: Map<string, string>, address: string): Endpoint {
  const port = Number(values.get("port"));
  if (!Number.isInteger(port) || port < 1 || port > 65535) throw invalid(address, "it has no valid port");
  const family = values.get("family");
  return { host: values.get("host") ?? "localhost", port, family: family === "ipv4" ? 4 : family === "ipv6" ? 6 : 0 };
}
