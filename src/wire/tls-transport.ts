import type { Server, TLSSocket } from "node:tls";
import { arrived } from "../base/heap.ts";
import { peerContext } from "../base/libc.ts";
import { explain } from "./explain.ts";
import { applyOptions, type SocketOptions } from "./socket-transport.ts";
import { closeGraceMs, type Transport, type TransportHandler } from "./transport.ts";

/** A large write goes to the socket in pieces of this size, so that `queuedBytes` falls as they leave. */
const pieceBytes = 64 * 1024;

/**
 * A TCP connection with TLS, from its first byte on: while the handshake lasts nothing arrives, and what is written waits. The
 * socket queues without bound: the user watches `queuedBytes`.
 */
export class TlsTransport implements Transport {
  readonly peer: string;
  readonly local: boolean;
  readonly secure = true;
  readonly #socket: TLSSocket;
  #handler: TransportHandler | undefined;
  /** Why the connection ended, once it has. */
  #reason: string | undefined;
  /** Why it was aborted, if that was told. */
  #why: string | undefined;
  #closing = false;

  constructor(socket: TLSSocket, options: SocketOptions) {
    this.#socket = socket;
    this.peer = socket.remoteAddress ?? "";
    this.local = this.peer === socket.localAddress;
    socket.setNoDelay(true);
    applyOptions(descriptor(socket), options);
    socket.on("error", (error) => this.#ended(`connection lost: ${explainTls(error)}`));
    socket.on("end", () => this.#ended("connection lost"));
    socket.on("close", () => this.#ended("connection lost"));
  }

  certificate(): Uint8Array | undefined {
    return chainOf(this.#socket)[0];
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
      arrived(chunk.length);
      if (!this.#closing) handler.data(chunk);
    });
  }

  write(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; at += pieceBytes) {
      const end = Math.min(at + pieceBytes, bytes.length);
      this.#socket.write(
        new Uint8Array(bytes.subarray(at, end)),
        end === bytes.length ? () => this.#written() : undefined,
      );
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

  /** @param why told as the reason of the end. */
  abort(why?: string): void {
    this.#closing = true;
    this.#why = why;
    this.#socket.destroy();
  }

  #written(): void {
    if (this.#reason === undefined && this.#socket.writableLength === 0) this.#handler?.drained();
  }

  #ended(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = this.#why ?? reason;
    this.#handler?.closed(this.#reason);
  }
}

/** The descriptor of a socket, as long as it has one. */
export function descriptor(socket: TLSSocket | Server): number | undefined {
  return (socket as { _handle?: { fd?: number } })._handle?.fd;
}

/** The most certificates of a chain that are looked at; ours have two. */
const maxChain = 4;

/** The certificates that the peer has shown, in DER: its own, then who issued it, as far as it has told. */
export function chainOf(socket: TLSSocket): Uint8Array[] {
  const chain: Uint8Array[] = [];
  let next = socket.getPeerCertificate(true) as Partial<ReturnType<TLSSocket["getPeerCertificate"]>> | undefined;
  // The issuer of the last one is that one itself.
  for (let seen: unknown; next?.raw && next !== seen && chain.length < maxChain; ) {
    chain.push(next.raw);
    seen = next;
    next = (next as { issuerCertificate?: typeof next }).issuerCertificate;
  }
  return chain;
}

/** What the library calls what it meets where no TLS is spoken. */
const foreign = /HTTP_REQUEST|HTTPS_PROXY_REQUEST|WRONG_VERSION_NUMBER|UNEXPECTED_RECORD|TOO_MANY_EMPTY_FRAGMENTS/;

/** An error of a TLS socket in words for the log. */
export function explainTls(error: Error): string {
  if (/before secure TLS/.test(error.message)) {
    return "the peer ended the connection before TLS was established: is it a port without TLS?";
  }
  const reason = /^error:[0-9a-f]+:[^:]*:[^:]*:(\w+)/.exec(error.message)?.[1];
  if (reason === undefined) return explain(error);
  const words = reason.toLowerCase().replaceAll("_", " ");
  return foreign.test(reason) ? `the peer speaks no TLS (${words})` : `TLS failed: ${words}`;
}
