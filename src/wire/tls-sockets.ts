import { constants } from "node:crypto";
import type { Socket } from "node:net";
import { connect as connectSocket, createServer, type TLSSocket } from "node:tls";
import { systemClock } from "../base/clock.ts";
import { asFailure, ErrorName, Failure } from "../base/failure.ts";
import { receivedBytes, setBacklog } from "../base/libc.ts";
import { formatAddress, type TlsAddress } from "./address.ts";
import type { SocketOptions } from "./socket-transport.ts";
import { backlog, ListenFailure, onAllAddresses } from "./sockets.ts";
import { chainOf, descriptor, explainTls, TlsTransport } from "./tls-transport.ts";
import type { Listener, Transport } from "./transport.ts";

/** What one side of a TLS connection shows, and whom it believes. */
export interface TlsCredentials {
  /** The own certificate, and who issued it, in PEM. */
  readonly certificate: string;
  /** Its private key, in PEM. */
  readonly key: string;
  /** Who may have issued the peer's certificate. */
  readonly authorities: readonly { readonly pem: string }[];
}

/** A place where peers come in with TLS. */
export interface TlsListener extends Listener {
  /** Shows other credentials from now on. Who has come in before stays. */
  renew(credentials: TlsCredentials): void;
}

/**
 * TLS 1.3 and nothing else, with its three suites. No session is resumed, so that each connection shows a certificate, and nothing
 * is said before the end of the handshake.
 */
const version = {
  minVersion: "TLSv1.3",
  maxVersion: "TLSv1.3",
  secureOptions: constants.SSL_OP_NO_TICKET,
} as const;

/**
 * Bytes that a peer may send until the handshake is over; an honest one sends less than 3,000. The library itself would take
 * messages of 100 KiB. It shows nothing of what it reads, so the kernel is asked every `lookMs`: a line of 1 Gbit/s brings 6 MB
 * in that time, whoever sends them.
 */
const maxHandshakeBytes = 8192;
const lookMs = 50;

/**
 * Listens with TLS on a TCP port of all addresses, IPv6 and IPv4. A transport is handed out when its connection comes in: it
 * says nothing before its handshake is over. A peer without a certificate, or with one of somebody else's, is not turned away
 * here: the user has to judge `Transport.certificate`.
 * @param port 0 takes any free one.
 * @param options asked for at each connection.
 * @throws Failure AddressInUse or Failed, in words for the log.
 */
export function listenTls(
  port: number,
  credentials: TlsCredentials,
  options: () => SocketOptions,
  onTransport: (transport: Transport) => void,
): Promise<TlsListener> {
  return onAllAddresses((host) => listen(port, host, credentials, options, onTransport));
}

function listen(
  port: number,
  host: string,
  credentials: TlsCredentials,
  options: () => SocketOptions,
  onTransport: (transport: Transport) => void,
): Promise<TlsListener> {
  const { promise, resolve, reject } = Promise.withResolvers<TlsListener>();
  const server = createServer(contextOf(credentials));
  const handshakes = new Handshakes();
  let connections = 0;
  server.on("connection", (plain: Socket) => {
    // The runtime hands out the socket that TLS will be spoken on.
    const socket = plain as TLSSocket;
    connections++;
    const transport = new TlsTransport(socket, options());
    handshakes.add(socket, transport);
    socket.on("close", () => {
      connections--;
      handshakes.delete(socket);
    });
    onTransport(transport);
  });
  server.on("secureConnection", (socket) => handshakes.delete(socket));
  server.on("error", (error) => reject(new ListenFailure(`port ${port}`, error)));
  server.listen({ port, host }, () => {
    const fd = descriptor(server);
    if (fd !== undefined) setBacklog(fd, backlog);
    const address = server.address();
    resolve({
      port: address !== null && typeof address === "object" ? address.port : 0,
      get connections() {
        return connections;
      },
      renew: (renewed) => server.setSecureContext(contextOf(renewed)),
      close: () => void server.close(),
    });
  });
  return promise;
}

function contextOf({ certificate, key, authorities }: TlsCredentials) {
  const ca = authorities.map(({ pem }) => pem);
  return { cert: certificate, key, ca, requestCert: true, rejectUnauthorized: false, ...version };
}

/** The connections whose handshakes are not over. */
class Handshakes {
  readonly #transports = new Map<TLSSocket, TlsTransport>();
  #looking = false;

  add(socket: TLSSocket, transport: TlsTransport): void {
    this.#transports.set(socket, transport);
    if (!this.#looking) this.#lookLater();
  }

  delete(socket: TLSSocket): void {
    this.#transports.delete(socket);
  }

  #lookLater(): void {
    this.#looking = this.#transports.size > 0;
    if (this.#looking) systemClock.after(lookMs, () => this.#look());
  }

  #look(): void {
    for (const [socket, transport] of this.#transports) {
      const fd = descriptor(socket);
      if (fd === undefined || receivedBytes(fd) <= maxHandshakeBytes) continue;
      this.#transports.delete(socket);
      transport.abort(`more than ${maxHandshakeBytes} bytes before the end of the TLS handshake`);
    }
    this.#lookLater();
  }
}

export interface TlsConnectOptions extends SocketOptions {
  /** 5000 when left out; for the handshake, too. */
  readonly timeoutMs?: number;
  /** Gives up. */
  readonly signal?: AbortSignal;
  /** Without, no certificate is shown, and `check` alone decides on the peer's. */
  readonly credentials?: TlsCredentials | undefined;
  /**
   * Judges the peer before anything is said to it.
   * @param chain its certificate, then who issued it, as far as it has told, in DER.
   * @throws Failure when it is not who is wanted.
   */
  check(chain: readonly Uint8Array[]): void;
}

/**
 * Connects to a peer with TLS. A name is resolved anew each time; its addresses are tried one after the other. That the peer has
 * the key of its certificate, and that one of `authorities` has issued it, is made sure of here; all else by `check`.
 * @throws Failure Failed when nobody answers there, or with no good TLS, in words for the log; or as `check`.
 */
export async function connectTls(address: TlsAddress, options: TlsConnectOptions): Promise<Transport> {
  const { timeoutMs = 5000, signal, credentials, check } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Transport>();
  const shown = credentials ? { cert: credentials.certificate, key: credentials.key } : {};
  const socket = connectSocket({
    host: address.host,
    port: address.port,
    ...shown,
    ca: credentials?.authorities.map(({ pem }) => pem) ?? [],
    rejectUnauthorized: false,
    // The names in our certificates are not those of hosts.
    checkServerIdentity: () => undefined,
    ...version,
  });
  const leave = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", giveUp);
  };
  const fail = (thrown: unknown): void => {
    leave();
    socket.destroy();
    const { errorName, message } = asFailure(thrown);
    reject(new Failure(errorName, `cannot connect to ${formatAddress(address)}: ${message}`));
  };
  const failed = (why: string): void => fail(new Failure(ErrorName.Failed, why));
  const onError = (error: Error): void => failed(explainTls(error));
  const giveUp = (): void => failed("the attempt was given up");
  signal?.addEventListener("abort", giveUp);
  const timer = systemClock.after(timeoutMs, () => failed(`no answer in ${timeoutMs} ms`));
  socket.on("error", onError);
  socket.on("secureConnect", () => {
    try {
      check(chainOf(socket));
      if (credentials && !socket.authorized) throw new Failure(ErrorName.AccessDenied, mistrust(socket));
    } catch (thrown) {
      fail(thrown);
      return;
    }
    leave();
    socket.off("error", onError);
    resolve(new TlsTransport(socket, options));
  });
  return await promise;
}

function mistrust({ authorizationError }: TLSSocket): string {
  return `the peer's certificate is not trusted: ${authorizationError}`;
}
