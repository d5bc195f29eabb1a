import { ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { socketOptions } from "../../base/socket-options.ts";
import { listenFd, listenTcp, listenUnix } from "../../wire/sockets.ts";
import type { Listener, Transport } from "../../wire/transport.ts";
import { type ControllerSettings, silenceMs } from "./settings.ts";

const socketPath = "/run/bluechi/bluechi.sock";

/** The first descriptor that a service manager passes on (sd_listen_fds(3)). */
const firstFd = 3;

/** How many listening sockets the service manager has passed to this process. */
function inheritedSockets(): number {
  const { LISTEN_PID, LISTEN_FDS } = process.env;
  return LISTEN_PID === String(process.pid) ? Number(LISTEN_FDS) || 0 : 0;
}

/**
 * Listens wherever the settings and the service manager say that agents come in.
 * @param service whose settings may change: connections get the options that are in force when they come.
 * @throws Failure when a place is taken, or there is none.
 */
export async function listen(
  service: { readonly settings: ControllerSettings },
  log: Log,
  onTransport: (transport: Transport) => void,
): Promise<Listener[]> {
  const { settings } = service;
  const options = () => socketOptions(service.settings, silenceMs(service.settings));
  const inherited = inheritedSockets();
  if (!settings.UseTCP && !settings.UseUDS && inherited === 0) {
    throw new Failure(ErrorName.Failed, "No connection request handler configured");
  }
  const listeners: Listener[] = [];
  for (let fd = firstFd; fd < firstFd + inherited; fd++) {
    listeners.push(await listenFd(fd, options, onTransport));
    log.info(`Waiting for connection requests on the inherited socket ${fd}...`);
  }
  if (settings.UseTCP) {
    listeners.push(await listenTcp(settings.ControllerPort, options, onTransport));
    log.info(`Waiting for connection requests on port ${settings.ControllerPort}...`);
  }
  // An inherited unix socket is bluechi-controller.socket's, which owns the path.
  if (settings.UseUDS && inherited === 0) {
    listeners.push(await listenUnix(socketPath, onTransport));
    log.info(`Waiting for connection requests on socket ${socketPath}...`);
  }
  return listeners;
}
