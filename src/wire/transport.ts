import type { PeerCredentials } from "../base/libc.ts";

/** What a transport tells its user. */
export interface TransportHandler {
  /** Bytes as they arrived, cut anywhere. The chunk belongs to the receiver. */
  data(chunk: Uint8Array): void;
  /** Nothing is queued any more. Told some time after every `write`, never from within it. */
  drained(): void;
  /** The transport has ended, by either side. Told exactly once, and last; never from within `close` or `abort`. */
  closed(reason: string): void;
}

/** A stream of bytes to one peer and back: a TCP or unix connection, or one in memory. */
export interface Transport {
  /** The peer's address as the socket shows it, for example `::ffff:10.78.1.12`; empty for a unix socket. */
  readonly peer: string;
  /** Whether the peer is on this host, so that nothing travels over a network. */
  readonly local: boolean;
  /** Whether nobody on the way can read or change what is said: with TLS. */
  readonly secure: boolean;
  /**
   * The certificate that the peer has shown, and has the key of, in DER; undefined when it has shown none. Whether it is any
   * good is not said by that. Known once bytes have arrived, and at the one who has connected, from the start.
   */
  certificate?(): Uint8Array | undefined;
  /** Who the peer is on this host, as the kernel says it; undefined when it tells nothing, as of TCP. */
  credentials?(): PeerCredentials | undefined;
  /** The peer's security context, undefined when the kernel tells none; of TCP it does only with labelled networking. */
  securityContext?(): string | undefined;
  /** Bytes that were written and that the kernel has not taken yet. */
  readonly queuedBytes: number;
  /** Hands the transport to its user. Nothing is read before; called once, by the one who got the transport. */
  start(handler: TransportHandler): void;
  /** Queues bytes. They are the caller's again afterwards: what has to wait is copied. */
  write(bytes: Uint8Array): void;
  /** Stops reading, so that the peer's writes get stuck in the end. A chunk on its way may still come. */
  pause(): void;
  resume(): void;
  /** Ends the connection once what is queued has left, or after `closeGraceMs`. Nothing is delivered any more. */
  close(): void;
  /** Ends the connection at once and drops what is queued. */
  abort(): void;
}

/** How long `close` waits for a peer to take what is queued. */
export const closeGraceMs = 1000;

/** A place where peers come in. */
export interface Listener {
  /** The port listened on, 0 for a unix socket. */
  readonly port: number;
  /** How many connections came in here and still have a descriptor. */
  readonly connections: number;
  /** Takes no more peers. Those that came in stay. */
  close(): void;
}
