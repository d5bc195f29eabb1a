import { lstatSync, unlinkSync } from "node:fs";
import { createConnection, createServer, type ListenOptions, type Server } from "node:net";
import { systemClock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { setBacklog } from "../base/libc.ts";
import { type Address, formatAddress } from "./address.ts";
import { descriptor, explain, type SocketOptions, SocketTransport } from "./socket-transport.ts";
import type { Listener, Transport } from "./transport.ts";

export type { SocketOptions } from "./socket-transport.ts";

/** Connections that may wait to be accepted: a fleet that comes at once. The runtime itself asks for 512, whatever it is told. */
const backlog = 16_384;

type OnTransport = (transport: Transport) => void;

/**
 * Listens on a TCP port of all addresses, IPv6 and IPv4.
 * @param port 0 takes any free one.
 * @param options asked for at each connection.
 * @throws Failure AddressInUse or Failed, in words for the log.
 */
export async function listenTcp(
  port: number,
  options: () => SocketOptions,
  onTransport: OnTransport,
): Promise<Listener> {
  const what = `port ${port}`;
  try {
    return await listen(what, { port, host: "::" }, options, onTransport);
  } catch (thrown) {
    if (!(thrown instanceof ListenFailure) || thrown.code !== "EAFNOSUPPORT") throw thrown;
    // A machine without IPv6.
    return await listen(what, { port, host: "0.0.0.0" }, options, onTransport);
  }
}

/** Listens on an inherited socket that is listening already (socket activation), TCP or unix. */
export function listenFd(fd: number, options: () => SocketOptions, onTransport: OnTransport): Promise<Listener> {
  return listen(`file descriptor ${fd}`, { fd }, options, onTransport);
}

/**
 * Listens on a unix socket. A socket file that nobody answers at is replaced.
 * @throws Failure AddressInUse when somebody answers there, else Failed.
 */
export async function listenUnix(path: string, onTransport: OnTransport): Promise<Listener> {
  try {
    return await listen(path, { path }, () => ({}), onTransport);
  } catch (thrown) {
    if (!(thrown instanceof ListenFailure) || thrown.code !== "EADDRINUSE") throw thrown;
    if (!(await isStale(path))) throw thrown;
    unlinkSync(path);
    return await listen(path, { path }, () => ({}), onTransport);
  }
}

/**
 * Connects to a peer. A name is resolved anew each time; its addresses are tried one after the other.
 * @param options timeoutMs is 5000 when left out; `signal` gives up.
 * @throws Failure Failed when nobody answers there, in words for the log.
 */
export function connect(
  address: Address,
  options: SocketOptions & { readonly timeoutMs?: number; readonly signal?: AbortSignal } = {},
): Promise<Transport> {
  const { timeoutMs = 5000, signal } = options;
  const { promise, resolve, reject } = Promise.withResolvers<Transport>();
  const socket = createConnection(
    address.kind === "tcp" ? { host: address.host, port: address.port } : { path: address.path },
  );
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
    resolve(new SocketTransport(socket, options));
  });
  return promise;
}

class ListenFailure extends Failure {
  readonly code: string | undefined;

  constructor(what: string, error: Error) {
    const { code } = error as { code?: string };
    const errorName = code === "EADDRINUSE" ? ErrorName.AddressInUse : ErrorName.Failed;
    super(errorName, `cannot listen on ${what}: ${explain(error)}`);
    this.code = code;
  }
}

function listen(
  what: string,
  where: ListenOptions | { fd: number },
  options: () => SocketOptions,
  onTransport: OnTransport,
): Promise<Listener> {
  const { promise, resolve, reject } = Promise.withResolvers<Listener>();
  let connections = 0;
  const server = createServer((socket) => {
    connections++;
    socket.on("close", () => connections--);
    onTransport(new SocketTransport(socket, options()));
  });
  server.on("error", (error) => reject(new ListenFailure(what, error)));
  server.listen(where as ListenOptions, () => {
    const fd = descriptor(server);
    if (fd !== undefined) setBacklog(fd, backlog);
    resolve({
      port: portOf(server),
      get connections() {
        return connections;
      },
      close: () => void server.close(),
    });
  });
  return promise;
}

function portOf(server: Server): number {
  const address = server.address();
  return address !== null && typeof address === "object" ? (address.port ?? 0) : 0;
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
