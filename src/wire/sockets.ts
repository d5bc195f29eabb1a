import type { Address } from "./address.ts";
import type { Listener, Transport } from "./transport.ts";

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
  /** Lets ICMP errors end the connection at once (IP_RECVERR). */
  readonly receiveErrors?: boolean;
}

/**
 * Listens on a TCP port of all addresses, IPv6 and IPv4.
 * @param port 0 takes any free one.
 * @throws Failure AddressInUse or Failed, in words for the log.
 */
export declare function listenTcp(
  port: number,
  options: SocketOptions,
  onTransport: (transport: Transport) => void,
): Promise<Listener>;

/**
 * Listens on a unix socket. A socket file that nobody answers at is replaced.
 * @throws Failure AddressInUse when somebody answers there, else Failed.
 */
export declare function listenUnix(path: string, onTransport: (transport: Transport) => void): Promise<Listener>;

/** Listens on an inherited socket that is listening already (socket activation), TCP or unix. */
export declare function listenFd(
  fd: number,
  options: SocketOptions,
  onTransport: (transport: Transport) => void,
): Promise<Listener>;

/**
 * Connects to a peer.
 * @throws Failure Failed when nobody answers there, in words for the log, or after `timeoutMs` (5000).
 */
export declare function connect(
  address: Address,
  options?: SocketOptions & { readonly timeoutMs?: number },
): Promise<Transport>;
