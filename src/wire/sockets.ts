import { lstatSync, unlinkSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { apart } from "../base/apart.ts";
import { systemClock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { boundAddress, setBacklog } from "../base/libc.ts";
import { formatAddress, type PlainAddress } from "./address.ts";
import { explain } from "./explain.ts";
import { type RuntimeSocket, type SocketOptions, SocketTransport } from "./socket-transport.ts";
import type { Listener, Transport } from "./transport.ts";

export type { SocketOptions } from "./socket-transport.ts";

/** Connections that may wait to be accepted: a fleet that comes at once. The runtime itself asks for 512, whatever it is told. */
export const backlog = 16_384;

type OnTransport = (transport: Transport) => void;

/**
 * Listens on a TCP port of all addresses, IPv6 and IPv4.
 * @param port 0 takes any free one.
 * @param options asked for at each connection.
 * @throws Failure AddressInUse or Failed, in words for the log.
 */
export function listenTcp(port: number, options: () => SocketOptions, onTransport: OnTransport): Promise<Listener> {
  return onAllAddresses((host) => listen(`port ${port}`, { port, hostname: host }, options, onTransport));
}

/** Listens on all addresses, IPv6 and IPv4. @throws as `listen`. */
export async function onAllAddresses<T>(listen: (host: string) => Promise<T>): Promise<T> {
  try {
    return await listen("::");
  } catch (thrown) {
    if (!(thrown instanceof ListenFailure) || thrown.code === "EADDRINUSE") throw thrown;
    // A machine without IPv6, of which the runtime does not say so.
    return await listen("0.0.0.0");
  }
}

/** Listens on an inherited socket that is listening already (socket activation), TCP or unix. */
export function listenFd(fd: number, options: () => SocketOptions, onTransport: OnTransport): Promise<Listener> {
  return listen(`file descriptor ${fd}`, { fd }, options, onTransport);
}

/**
 * Listens on a unix socket, which nobody but this user can connect to, and root. A socket file that nobody answers at is
 * replaced.
 * @throws Failure AddressInUse when somebody answers there, else Failed.
 */
export async function listenUnix(path: string, onTransport: OnTransport): Promise<Listener> {
  try {
    return await listenPrivately(path, onTransport);
  } catch (thrown) {
    if (!(thrown instanceof ListenFailure) || thrown.code !== "EADDRINUSE") throw thrown;
    if (!(await isStale(path))) throw thrown;
    unlinkSync(path);
    return await listenPrivately(path, onTransport);
  }
}

function listenPrivately(path: string, onTransport: OnTransport): Promise<Listener> {
  // The file is made before anything is awaited, so that it is never there with another mode.
  const usual = process.umask(0o177);
  try {
    return listen(path, { unix: path }, () => ({}), onTransport);
  } finally {
    process.umask(usual);
  }
}

/**
 * Connects to a peer. A name is resolved anew each time; its addresses are tried one after the other.
 * @param options timeoutMs is 5000 when left out; `signal` gives up.
 * @throws Failure Failed when nobody answers there, in words for the log.
 */
export function connect(
  address: PlainAddress,
  options: SocketOptions & { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Transport> {
  const { timeoutMs = 5000, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Transport>();
  const place = address.kind === "tcp" ? { host: address.host, port: address.port } : { path: address.path };
  // Paused, it does not begin to read by itself once it is connected.
  const socket = createConnection({ ...place, allowHalfOpen: true }).pause();
  const leave = (): void => {
    timer.cancel();
    signal?.removeEventListener("abort", giveUp);
  };
  const fail = (why: string): void => {
    leave();
    socket.destroy();
    reject(new Failure(ErrorName.Failed, `cannot connect to ${formatAddress(address)}: ${why}`));
  };
  const onError = (error: Error): void => fail(explain(error));
  const giveUp = (): void => fail("the attempt was given up");
  signal?.addEventListener("abort", giveUp);
  const timer = systemClock.after(timeoutMs, () => fail(`no answer in ${timeoutMs} ms`));
  socket.on("error", onError);
  socket.on("connect", () => {
    leave();
    socket.off("error", onError);
    resolve(takeOver(socket, options));
  });
  return promise;
}

/** Nobody can come in at a place, in words for the log. */
export class ListenFailure extends Failure {
  readonly code: string | undefined;

  constructor(what: string, error: Error) {
    const { code } = error as { code?: string };
    const errorName = code === "EADDRINUSE" ? ErrorName.AddressInUse : ErrorName.Failed;
    super(errorName, `cannot listen on ${what}: ${explain(error)}`);
    this.code = code;
  }
}

type Place = { readonly hostname: string; readonly port: number } | { readonly unix: string } | { readonly fd: number };

async function listen(
  what: string,
  place: Place,
  options: () => SocketOptions,
  onTransport: OnTransport,
): Promise<Listener> {
  let connections = 0;
  const { close, ...events } = SocketTransport.events;
  const socket: Bun.SocketHandler<SocketTransport> = {
    ...events,
    open(opened) {
      connections++;
      const taken = opened as RuntimeSocket;
      const transport = new SocketTransport(taken, options());
      opened.data = transport;
      // Who has reset a connection over IP has no address any more, and is nobody of this host for that.
      if (transport.peer === "" && (taken.fd === undefined || boundAddress(taken.fd))) transport.abort();
      else apart(() => onTransport(transport));
    },
    close(closed, error) {
      connections--;
      return close?.(closed, error);
    },
  };
  try {
    // Of a descriptor and of half-open connections the declarations do not know.
    const server = Bun.listen({ ...place, socket, allowHalfOpen: true } as Bun.TCPSocketListenOptions<SocketTransport>);
    const { fd } = server as { fd?: number };
    if (fd !== undefined) setBacklog(fd, backlog);
    return {
      port: server.port ?? 0,
      get connections() {
        return connections;
      },
      close: () => server.stop(),
    };
  } catch (error) {
    throw new ListenFailure(what, error as Error);
  }
}

/**
 * The connection of a socket of node:net, which finds the address and can be given up, but then takes its time for each
 * thing that it reads and writes.
 */
function takeOver(socket: Socket, options: SocketOptions): SocketTransport {
  const { _handle: taken } = socket as unknown as { _handle: RuntimeSocket };
  taken.reload({ socket: SocketTransport.events });
  taken.data = new SocketTransport(taken, options);
  return taken.data;
}

/** Whether a path is a socket that nobody listens on, as a killed process leaves it behind. */
function isStale(path: string): Promise<boolean> {
  if (!lstatSync(path, { throwIfNoEntry: false })?.isSocket()) return Promise.resolve(false);
  const { promise, resolve } = Promise.withResolvers<boolean>();
  const socket = createConnection({ path });
  socket.on("connect", () => {
    socket.destroy();
    resolve(false);
  });
  socket.on("error", (error) => resolve((error as { code?: string }).code === "ECONNREFUSED"));
  return promise;
}
