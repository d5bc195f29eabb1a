import { afterAll } from "bun:test";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join as joinPath } from "node:path";
import type { Clock } from "../../src/base/clock.ts";
import { systemClock } from "../../src/base/clock.ts";
import { Acceptor, join } from "../../src/wire/handshake.ts";
import type { Limits } from "../../src/wire/limits.ts";
import { MemoryNetwork } from "../../src/wire/memory.ts";
import type { Handlers } from "../../src/wire/messages.ts";
import type { Session, SessionOwner } from "../../src/wire/session.ts";
import { connect, listenTcp, listenUnix } from "../../src/wire/sockets.ts";
import type { Side } from "../../src/wire/table.ts";
import { connectTls, listenTls } from "../../src/wire/tls-sockets.ts";
import type { Listener, Transport } from "../../src/wire/transport.ts";
import { makeCredentials } from "./credentials.ts";
import { handlersOf } from "./handlers.ts";

/** A place where transports come in pairs. */
export interface World {
  readonly name: string;
  /** What the far end sees of a near end. */
  readonly peer: string;
  open(): Promise<[near: Transport, far: Transport]>;
}

async function socketWorld(
  name: string,
  peer: string,
  listen: (onTransport: (transport: Transport) => void) => Promise<Listener>,
  dial: (listener: Listener) => Promise<Transport>,
): Promise<World> {
  let arrived: (transport: Transport) => void = () => {};
  const listener = await listen((transport) => arrived(transport));
  afterAll(() => listener.close());
  return {
    name,
    peer,
    async open() {
      const far = new Promise<Transport>((resolve) => {
        arrived = resolve;
      });
      const ends: [Transport, Transport] = [await dial(listener), await far];
      // The handshake of TLS is over at the far end only when it has heard what the near one says last in it.
      while (ends[1].secure && !ends[1].certificate?.()) await new Promise(setImmediate);
      return ends;
    },
  };
}

/** Memory, TCP, TLS and unix: the same tests run in each. */
export async function allWorlds(): Promise<World[]> {
  const { controller, node } = makeCredentials();
  const folder = mkdtempSync(joinPath(tmpdir(), "bluechi-wire-"));
  afterAll(() => rmSync(folder, { recursive: true }));
  const path = joinPath(folder, "socket");
  const memory = new MemoryNetwork({ seed: 1, clock: systemClock, maxDelayMs: 1 });
  return [
    { name: "memory", peer: "node", open: async () => memory.pair("node") },
    await socketWorld(
      "tcp",
      "::ffff:127.0.0.1",
      (onTransport) => listenTcp(0, () => ({ keepAliveTimeS: 1, userTimeoutMs: 5000 }), onTransport),
      ({ port }) => connect({ kind: "tcp", host: "127.0.0.1", port }, { receiveErrors: true }),
    ),
    await socketWorld(
      "tls",
      "::ffff:127.0.0.1",
      (onTransport) => listenTls(0, controller, () => ({ keepAliveTimeS: 1, userTimeoutMs: 5000 }), onTransport),
      ({ port }) => connectTls({ kind: "tls", host: "127.0.0.1", port }, { credentials: node, check: () => {} }),
    ),
    await socketWorld(
      "unix",
      "",
      (onTransport) => listenUnix(path, onTransport),
      () => connect({ kind: "unix", path }),
    ),
  ];
}

export interface SideOptions<S extends Side> extends Partial<Omit<SessionOwner<S>, "handlers">> {
  handlers?: Partial<Handlers<S>>;
  clock?: Clock;
  limits?: Partial<Limits>;
}

export interface Half<S extends Side> {
  readonly session: Session<S>;
  /** The reason, once the session has ended. */
  readonly ended: Promise<string>;
}

function ownerOf<S extends Side>(side: S, options: SideOptions<S>, onSession: (session: Session<S>) => void) {
  const ended = Promise.withResolvers<string>();
  const owner: SessionOwner<S> = {
    heartbeat: { intervalMs: 0, thresholdMs: 0 },
    ...options,
    handlers: handlersOf(side, options.handlers),
    onSession,
    onClose: (reason, code) => {
      options.onClose?.(reason, code);
      ended.resolve(reason);
    },
  };
  return { owner, ended: ended.promise };
}

/** A controller's session over the transport, once its peer has said hello. */
async function acceptHalf(far: Transport, options: SideOptions<"controller"> = {}): Promise<Half<"controller">> {
  const { clock = systemClock, limits = {} } = options;
  const { promise, resolve } = Promise.withResolvers<Session<"controller">>();
  const { owner, ended } = ownerOf("controller", options, resolve);
  new Acceptor({ clock, limits, version: "2.0.0-1", admit: () => owner }).accept(far);
  return { session: await promise, ended };
}

export async function joinHalf(near: Transport, options: SideOptions<"agent"> = {}): Promise<Half<"agent">> {
  const { clock = systemClock, limits = {} } = options;
  const { owner, ended } = ownerOf("agent", options, () => {});
  const session = await join(near, { ...owner, clock, limits, node: "node", version: "1.0.0-1" });
  return { session, ended };
}

/** A controller and an agent that have met. */
export async function meet(
  world: World,
  controller: SideOptions<"controller"> = {},
  agent: SideOptions<"agent"> = {},
): Promise<{ controller: Half<"controller">; agent: Half<"agent"> }> {
  const [near, far] = await world.open();
  const accepted = acceptHalf(far, controller);
  const joined = await joinHalf(near, agent);
  return { controller: await accepted, agent: joined };
}
