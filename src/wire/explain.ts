import { connectError } from "../base/libc.ts";

const explanations: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "address not available",
  EAI_AGAIN: "host not found: no name server answers",
  ECONNREFUSED: "connection refused",
  ECONNRESET: "connection reset by peer",
  EHOSTUNREACH: "no route to host",
  ENETUNREACH: "network is unreachable",
  ENOENT: "no such file or directory",
  ENOTFOUND: "host not found",
  EPERM: "operation not permitted",
  EPIPE: "broken pipe",
  ETIMEDOUT: "connection timed out",
};

/** For so long the kernel is asked why a connection failed, in ms. On a local network it knows within one. */
const patienceMs = 20;

/** An error of a socket in the words of strerror(3). */
export function explain(error: Error): string {
  const { code, address, port } = error as { code?: string; address?: string; port?: number };
  if (code === "ECONNREFUSED" && address && port) return explainRefusal(address, port);
  return words(code) ?? error.message;
}

/**
 * The runtime calls each failure of a connection a refusal, also those that tell of the network or of a firewall: so the
 * kernel is asked once more.
 */
function explainRefusal(address: string, port: number): string {
  const bytes = addressBytes(address);
  const errno = bytes && connectError(bytes, port, patienceMs);
  if (errno === undefined) return "connection refused, or no route to host";
  return words(process.getBuiltinModule("node:util").getSystemErrorName(-errno)) ?? "connection refused";
}

function words(code: string | undefined): string | undefined {
  return code && (explanations[code] ?? code);
}

/** An IP address as the bytes that it is written for (RFC 4291, 2.2); undefined for one with a zone, as `fe80::1%eth0`. */
export function addressBytes(address: string): Uint8Array | undefined {
  if (/^[\d.]+$/.test(address)) return Uint8Array.from(address.split("."), Number);
  if (!/^[\da-f:]+$/i.test(address)) return undefined;
  const [head = [], tail = []] = address.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = Array(Math.max(0, 8 - head.length - tail.length)).fill("0");
  return Uint8Array.from(
    [...head, ...zeros, ...tail].flatMap((group) => {
      const value = Number.parseInt(group, 16);
      return [value >> 8, value & 0xff];
    }),
  );
}
