import { apart } from "../base/apart.ts";
import { systemClock, type Timer } from "../base/clock.ts";
import { arrived } from "../base/heap.ts";
import { type PeerCredentials, peerContext, peerCredentials, setSocketOption } from "../base/libc.ts";
import { explain } from "./explain.ts";
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

/** A socket of the runtime's own: to read and to write with it takes two thirds of what node:net takes. */
export type RuntimeSocket = Bun.Socket<SocketTransport> & {
  /** undefined of a closed socket. */
  readonly fd?: number;
  pause(): void;
  resume(): void;
};

const nothing = new Uint8Array();

/** A connection of the kernel's. What the kernel does not take is queued without bound: the user watches `queuedBytes`. */
export class SocketTransport implements Transport {
  readonly peer: string;
  readonly local: boolean;
  readonly secure = false;
  readonly #socket: RuntimeSocket;
  #handler: TransportHandler | undefined;
  /** What the kernel has not taken yet of what it was offered last, and what comes after. */
  #left: Uint8Array = nothing;
  #waiting: Uint8Array[] = [];
  #queuedBytes = 0;
  /** Whether the user is about to be told that nothing is queued. */
  #telling = false;
  /** Why the connection ended, once it has. */
  #reason: string | undefined;
  #closing = false;
  #grace: Timer | undefined;

  constructor(socket: RuntimeSocket, options: SocketOptions) {
    this.#socket = socket;
    this.peer = socket.remoteAddress ?? "";
    this.local = this.peer === "" || this.peer === socket.localAddress;
    if (this.peer !== "") applyOptions(socket.fd, options);
    // Until somebody wants it.
    socket.pause();
  }

  /** What happens to the sockets whose `data` are transports. */
  static readonly events: Bun.SocketHandler<SocketTransport> = {
    // To copy out of a Buffer takes longer.
    binaryType: "uint8array",
    data: ({ data: transport }, chunk) => {
      arrived(chunk.length);
      apart(() => transport.#data(chunk));
    },
    drain: ({ data: transport }) => apart(() => transport.#drain()),
    end: ({ data: transport }) => apart(() => transport.#peerEnded()),
    error: ({ data: transport }, error) => transport.#lost(error),
    close: ({ data: transport }, error) => transport.#lost(error),
  };

  credentials(): PeerCredentials | undefined {
    const { fd } = this.#socket;
    return fd === undefined || this.peer !== "" ? undefined : peerCredentials(fd);
  }

  securityContext(): string | undefined {
    const { fd } = this.#socket;
    return fd === undefined ? undefined : peerContext(fd);
  }

  get queuedBytes(): number {
    return this.#queuedBytes;
  }

  start(handler: TransportHandler): void {
    if (this.#reason !== undefined) {
      const reason = this.#reason;
      queueMicrotask(() => handler.closed(reason));
      return;
    }
    this.#handler = handler;
    this.#socket.resume();
  }

  write(bytes: Uint8Array): void {
    this.#queuedBytes += bytes.length;
    if (this.#left.length > 0) {
      this.#waiting.push(new Uint8Array(bytes));
    } else {
      this.#left = bytes;
      this.#drain();
      if (this.#left.length > 0) this.#left = new Uint8Array(this.#left);
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
    // Bytes left unread would turn the end into a reset, which takes away from the peer what it has not read yet.
    this.#socket.resume();
    this.#grace = systemClock.after(closeGraceMs, () => this.#socket.end());
    if (this.#queuedBytes === 0) this.#endOurs();
  }

  abort(): void {
    this.#closing = true;
    this.#drop();
    this.#socket.end();
  }

  #data(chunk: Uint8Array): void {
    if (!this.#closing) this.#handler?.data(chunk);
  }

  /** Gives the kernel what it takes. */
  #drain(): void {
    while (this.#left.length > 0 || this.#next()) {
      const taken = this.#socket.write(this.#left);
      if (taken < 0) {
        // The connection is gone, which is told soon.
        this.#drop();
        return;
      }
      this.#queuedBytes -= taken;
      this.#left = taken === this.#left.length ? nothing : this.#left.subarray(taken);
      if (this.#left.length > 0) return;
    }
    if (this.#closing) this.#endOurs();
    else this.#tellDrained();
  }

  #next(): boolean {
    const waiting = this.#waiting;
    if (waiting.length === 0) return false;
    this.#left = (waiting.length === 1 && waiting[0]) || Buffer.concat(waiting);
    this.#waiting = [];
    return true;
  }

  #tellDrained(): void {
    if (this.#telling) return;
    this.#telling = true;
    queueMicrotask(() => {
      this.#telling = false;
      if (this.#reason === undefined && this.#queuedBytes === 0) this.#handler?.drained();
    });
  }

  /** Our side has nothing more to say; when the peer has said so before, that is the end. */
  #endOurs(): void {
    if (this.#reason === undefined) this.#socket.shutdown();
    else this.#socket.end();
  }

  #peerEnded(): void {
    this.#ended("connection lost");
    if (!this.#closing) queueMicrotask(() => this.close());
    else if (this.#queuedBytes === 0) this.#endOurs();
  }

  /** The socket is gone, as may happen within a call of ours. */
  #lost(error: Error | undefined): void {
    this.#grace?.cancel();
    this.#drop();
    this.#ended(error ? `connection lost: ${explain(error)}` : "connection lost");
  }

  #drop(): void {
    this.#left = nothing;
    this.#waiting = [];
    this.#queuedBytes = 0;
  }

  #ended(reason: string): void {
    if (this.#reason !== undefined) return;
    this.#reason = reason;
    queueMicrotask(() => this.#handler?.closed(reason));
  }
}

/** Sets the options of a TCP socket; TCP_NODELAY the runtime itself has set. What the kernel does not know is left as it is. */
export function applyOptions(fd: number | undefined, options: SocketOptions): void {
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
