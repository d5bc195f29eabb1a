import type { Server, Socket } from "node:net";
import { peerContext, setSocketOption } from "../base/libc.ts";
import { closeGraceMs, type Transport, type TransportHandler } from "./transport.ts";

/** Options of a TCP socket; what is left out stays as the kernel has it. Without effect on unix sockets. */
export interface SocketOptions {
  /** Turns keepalive probes on: seconds of silence before the first one (tcp(7), TCP_KEEPIDLE). */
  readonly keepAliveTimeS?: number;
  /** Seconds between two probes (TCP_KEEPINTVL). */
  readonly keepAliveIntervalS?: number;
  /** Probes without an answer before the connection is lost (TCP_KEEPCNT). */
  readonly keepAliveCount?: number;
  /** Milliseconds that sent bytes may stay unacknowledged (TCP_USER_TIMEOUT). */
  readonly userTimeoutMs?: number;
  /** Lets ICMP errors end the connection at once (IP_RECVERR, IPV6_RECVERR). */
  readonly receiveErrors?: boolean;
}

/** A large write goes to the socket in pieces of this size, so that `queuedBytes` falls as they leave. */
const pieceBytes = 64 * 1024;

/** A connection of the kernel's. The socket queues without bound: the user watches `queuedBytes`. */
export class SocketTransport implements Transport {
  readonly peer: string;
  readonly local: boolean;
  readonly #socket: Socket;
  #handler: TransportHandler | undefined;
  /** Why the connection ended, once it has. */
  #reason: string | undefined;
  #closing = false;

  constructor(socket: Socket, options: SocketOptions) {
    this.#socket = socket;
    this.peer = socket.remoteAddress ?? "";
    this.local = this.peer === "" || this.peer === socket.localAddress;
    if (this.peer !== "") applyOptions(socket, options);
    socket.on("error", (error) => this.#ended(`connection lost: ${explain(error)}`));
    socket.on("end", () => this.#ended("connection lost"));
    socket.on("close", () => this.#ended("connection lost"));
  }

  securityContext(): string | undefined {
    const fd = descriptor(this.#socket);
    return fd === undefined ? undefined : peerContext(fd);
  }

  get queuedBytes(): number {
    return this.#socket.writableLength;
  }

  start(handler: TransportHandler): void {
    if (this.#reason !== undefined) {
      const reason = this.#reason;
      queueMicrotask(() => handler.closed(reason));
      return;
    }
    this.#handler = handler;
    this.#socket.on("data", (chunk: Buffer) => {
      if (!this.#closing) handler.data(chunk);
    });
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const end = Math.min(at + pieceBytes, bytes.length);
      this.#socket.write(bytes.subarray(at, end), end === bytes.length ? () => this.#written() : undefined);
    }
  }

  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  close(): void {
    if (this.#closing) return;
    this.#closing = true;
    this.#socket.end();
    // Bytes left unread would turn the end into a reset, which takes away from the peer what it has not read yet.
    this.#socket.resume();
    const grace = setTimeout(() => this.#socket.destroy(), closeGraceMs);
    this.#socket.on("close", () => clearTimeout(grace));
  }

  abort(): void {
    this.#closing = true;
    this.#socket.destroy();
  }

  #written(): void {
    if (this.#reason === undefined && this.#socket.writableLength === 0) this.#handler?.drained();
  }

  #ended(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    this.#handler?.closed(reason);
  }
}

function applyOptions(socket: Socket, options: SocketOptions): void {
  socket.setNoDelay(true);
  const fd = descriptor(socket);
  if (fd === undefined) return;
  const set = (option: Parameters<typeof setSocketOption>[1], value: number | undefined): void => {
    if (value !== undefined) setSocketOption(fd, option, value);
  };
  // What is lost of little data is sent again soon, six times, instead of ever later: else heartbeats on a line that loses
  // a third of its packets often take longer than the threshold.
  set("tcpThinLinearTimeouts", 1);
  if (options.keepAliveTimeS !== undefined) set("keepAlive", 1);
  set("tcpKeepAliveTimeS", options.keepAliveTimeS);
  set("tcpKeepAliveIntervalS", options.keepAliveIntervalS);
  set("tcpKeepAliveCount", options.keepAliveCount);
  set("tcpUserTimeoutMs", options.userTimeoutMs);
  if (!options.receiveErrors) return;
  // A socket of IPv6 has peers of both kinds. One of IPv4 does not take the second, and needs it not.
  set("ipReceiveErrors", 1);
  set("ipv6ReceiveErrors", 1);
}

/** The descriptor of a socket, as long as it has one. */
export function descriptor(socket: Socket | Server): number | undefined {
  return (socket as { _handle?: { fd?: number } })._handle?.fd;
}

const explanations: Record<string, string> = {
  EACCES: "permission denied",
  EADDRINUSE: "address already in use",
  EADDRNOTAVAIL: "address not available",
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

/** An error of a socket in the words of strerror(3). */
export function explain(error: Error): string {
  const { code } = error as { code?: string };
  return explanations[code ?? ""] ?? code ?? error.message;
}
