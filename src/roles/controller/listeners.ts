import { isDeepStrictEqual } from "node:util";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import { boundAddress } from "../../base/libc.ts";
import type { Log } from "../../base/log.ts";
import { socketOptions } from "../../base/socket-options.ts";
import type { Credentials } from "../../identity/credentials.ts";
import { listenFd, listenTcp, listenUnix } from "../../wire/sockets.ts";
import { listenTls, type TlsListener } from "../../wire/tls-sockets.ts";
import type { Listener, Transport } from "../../wire/transport.ts";
import type { LocalPeers } from "./local-peers.ts";
import { type ControllerSettings, securityOf, silenceMs } from "./settings.ts";

const socketPath = "/run/bluechi/bluechi.sock";

/** The first descriptor that a service manager passes on (sd_listen_fds(3)). */
const firstFd = 3;

/** What is said of a place where agents come in without TLS. */
const plainWarning =
  "is without TLS: from hosts beyond this one anybody who reaches it can be a node, and read and change what travels (bluechictl cluster init, Security=)";

/** Whether an IP address, in bytes, is reached from the own host only: 127.0.0.0/8, in IPv6 too, or ::1. */
export function isLoopback(address: Uint8Array): boolean {
  const text = Buffer.from(address).toString("hex");
  return /^(0{20}f{4})?7f.{6}$/.test(text) || /^0{31}1$/.test(text);
}

/** How many listening sockets the service manager has passed to this process. */
function inheritedSockets(): number {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  return LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) || 0 : 0;
}

interface ListenersOptions {
  /** Its settings may change: connections get the options that are in force when they come. */
  readonly service: { readonly settings: ControllerSettings };
  /** What the controller shows of itself with TLS; nothing as long as there is no cluster. */
  readonly cluster: { readonly credentials: Credentials | undefined };
  /** Who may come in by the unix socket. */
  readonly localPeers: LocalPeers;
  readonly log: Log;
  readonly onTransport: (transport: Transport) => void;
}

/** A TCP port that agents come in by, with what it was opened for. */
interface Port<L extends Listener> {
  readonly number: number;
  readonly listener: L;
}

/**
 * The places where agents come in: those that the service manager has opened, the unix socket, and the TCP ports, which are opened
 * and closed as the settings and the cluster ask for it.
 */
export class Listeners {
  readonly #options: ListenersOptions;
  readonly #lasting: Listener[] = [];
  #plain: Port<Listener> | undefined;
  #tls: (Port<TlsListener> & { shown: readonly string[] }) | undefined;
  /** The review that is under way, and those that wait for it. */
  #reviewed: Promise<unknown> = Promise.resolve();
  #closed = false;
  /** Whether the unix socket is not the service manager's. */
  #ownSocket = false;
  /** What kept a port from being opened at the last review. */
  #trouble: string | undefined;
  /** Whether the service manager has passed a socket that other hosts reach. */
  #inheritsPlain = false;

  constructor(options: ListenersOptions) {
    this.#options = options;
  }

  /** How many connections have come in and still have a descriptor. */
  get connections(): number {
    return this.#all.reduce((sum, listener) => sum + listener.connections, 0);
  }

  /** Why agents cannot come in as the settings and the cluster ask for; undefined when they can. */
  get trouble(): string | undefined {
    return this.#trouble;
  }

  /** Whether there is a socket without TLS that other hosts reach, whatever ports the settings ask for. */
  get inheritsPlain(): boolean {
    return this.#inheritsPlain;
  }

  get #all(): Listener[] {
    const ports = [this.#plain, this.#tls].flatMap((port) => (port ? [port.listener] : []));
    return [...this.#lasting, ...ports];
  }

  /** Listens wherever the settings and the service manager say. @throws Failure when a place is taken, or there is none. */
  async open(): Promise<void> {
    const { service, log, localPeers, onTransport } = this.#options;
    const { settings } = service;
    const inherited = inheritedSockets();
    if (!settings.UseTCP && !settings.UseUDS && inherited === 0) {
      throw new Failure(ErrorName.Failed, "No connection request handler configured");
    }
    for (let fd = firstFd; fd < firstFd + inherited; fd++) {
      this.#lasting.push(await listenFd(fd, this.#socketOptions, onTransport));
      log.info(`Waiting for connection requests on the inherited socket ${fd}...`);
      this.#warnOf(fd);
    }
    await this.#openPorts();
    // An inherited unix socket is bluechi-controller.socket's, which owns the path.
    if (settings.UseUDS && inherited === 0) {
      this.#lasting.push(await listenUnix(socketPath, onTransport));
      this.#ownSocket = true;
      localPeers.open(socketPath);
      log.info(`Waiting for connection requests on socket ${socketPath}...`);
    }
  }

  /** Opens and closes ports as the settings and the cluster ask for it now. What does not work is logged. */
  review(): Promise<void> {
    const { log, localPeers } = this.#options;
    localPeers.review();
    if (this.#ownSocket) localPeers.open(socketPath);
    const reviewed = this.#reviewed.then(async () => {
      try {
        await this.#openPorts();
        this.#trouble = undefined;
      } catch (error) {
        this.#trouble = describe(error);
        log.error(this.#trouble);
      }
    });
    this.#reviewed = reviewed;
    return reviewed;
  }

  /** Takes no more agents. Those that came in stay. */
  close(): void {
    this.#closed = true;
    for (const listener of this.#all) listener.close();
  }

  readonly #socketOptions = () => {
    const { settings } = this.#options.service;
    return socketOptions(settings, silenceMs(settings));
  };

  async #openPorts(): Promise<void> {
    const { settings } = this.#options.service;
    if (!settings.UseTCP || this.#closed) return;
    const credentials = this.#options.cluster.credentials;
    const security = securityOf(settings, credentials !== undefined);
    // In this order nobody is left without a port when the one with TLS is taken.
    await this.#openTls(security === "plain" ? undefined : settings.TLSPort, credentials);
    await this.#openPlain(security === "tls" ? undefined : settings.ControllerPort);
  }

  /** Warns of an inherited socket that other hosts reach. */
  #warnOf(fd: number): void {
    const { service, cluster, log } = this.#options;
    const address = boundAddress(fd);
    if (!address || isLoopback(address)) return;
    this.#inheritsPlain = true;
    const refused = securityOf(service.settings, cluster.credentials !== undefined) === "tls";
    log.warn(
      `The inherited socket ${fd} ${refused ? "is without TLS: who comes in by it is refused (Security=)" : plainWarning}`,
    );
  }

  async #openPlain(number: number | undefined): Promise<void> {
    if (this.#plain?.number === number) return;
    const { log, onTransport } = this.#options;
    this.#plain?.listener.close();
    if (this.#plain) log.info(`No longer waiting for connection requests on port ${this.#plain.number}`);
    this.#plain = undefined;
    if (number === undefined) return;
    this.#plain = { number, listener: await listenTcp(number, this.#socketOptions, onTransport) };
    log.info(`Waiting for connection requests on port ${number}...`);
    log.warn(`Port ${number} ${plainWarning}`);
  }

  async #openTls(wanted: number | undefined, credentials: Credentials | undefined): Promise<void> {
    const { log, onTransport } = this.#options;
    const number = credentials ? wanted : undefined;
    if (this.#tls && this.#tls.number !== number) {
      this.#tls.listener.close();
      log.info(`No longer waiting for connection requests on port ${this.#tls.number}, with TLS`);
      this.#tls = undefined;
    }
    if (wanted !== undefined && !credentials) {
      log.error(`No agent can connect with TLS, as Security= asks for: there is no cluster (bluechictl cluster init)`);
    }
    if (number === undefined || !credentials) return;
    const { certificate, authorities } = credentials;
    const shown = [certificate, ...authorities.map(({ pem }) => pem)];
    if (this.#tls) {
      if (!isDeepStrictEqual(this.#tls.shown, shown)) this.#tls.listener.renew(credentials);
      this.#tls.shown = shown;
      return;
    }
    const listener = await listenTls(number, credentials, this.#socketOptions, onTransport);
    this.#tls = { number, listener, shown };
    log.info(`Waiting for connection requests on port ${number}, with TLS...`);
  }
}
