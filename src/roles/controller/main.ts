import { Audit } from "../../api/audit.ts";
import { controllerName } from "../../api/names.ts";
import { systemClock } from "../../base/clock.ts";
import { type Daemon, runDaemon, type Start } from "../../base/daemon.ts";
import { feedWatchdog } from "../../base/notify.ts";
import { packageVersion } from "../../base/version.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { Presence } from "../../bus/presence.ts";
import { Acceptor, type AcceptorOptions } from "../../wire/handshake.ts";
import type { Transport } from "../../wire/transport.ts";
import { admission } from "./admission.ts";
import { Controller, type ControllerTerms } from "./controller.ts";
import { ControllerFace } from "./dbus/face.ts";
import { Listeners } from "./listeners.ts";
import { Room } from "./room.ts";
import {
  type ControllerSettings,
  controllerSettings,
  nodeTerms,
  readControllerSettings,
  section,
  securityOf,
} from "./settings.ts";

/**
 * Of connections with TLS, which cost more than others before they are admitted: 20 KB each, and half a millisecond of the
 * processor for the handshake. Who comes too often is turned away before that.
 */
const secureBounds = { maxGreeting: 2000, rate: { burst: 2000, perSecond: 200 } };

export const options = {
  port: { short: "p", argument: "PORT", help: "The port to listen on" },
  config: { short: "c", argument: "FILE", help: "A configuration file to read after the others" },
} as const;

const daemon: Daemon<typeof options, ControllerSettings> = {
  summary: "The controller of bluechi: the service that all nodes connect to.",
  options,
  table: controllerSettings,
  places: ({ config, port }) => ({
    defaults: "/usr/share/bluechi/config/controller.conf",
    file: "/etc/bluechi/controller.conf",
    section,
    named: config,
    options: { ControllerPort: port },
  }),
  readSettings: readControllerSettings,
  serve,
};

/** Runs the controller until SIGTERM or SIGINT. @returns the exit status. */
export function main(argv: readonly string[], name: string): Promise<number> {
  return runDaemon(daemon, argv, name);
}

async function serve(
  { service, log }: Start<typeof options, ControllerSettings>,
  stopped: Promise<string>,
): Promise<number> {
  const { settings } = service;
  if (settings.HeartbeatInterval === 0) log.warn("Heartbeat disabled since configured interval '0' is <=0");
  const controller = new Controller({ ...terms(settings), clock: systemClock, log });
  const audit = new Audit(log, systemClock);
  const presence = await Presence.open({
    address: systemBusAddress(),
    name: controllerName,
    clock: systemClock,
    log,
    attach(connection) {
      const face = new ControllerFace(connection, controller, log, audit);
      controller.listen(face);
      return () => {
        face.detach();
        controller.listen(undefined);
      };
    },
  });
  const admit = admission(controller, service, log, systemClock);
  const room = new Room(log, systemClock);
  const door = (local: boolean, bounds: Pick<AcceptorOptions, "maxGreeting" | "rate"> = {}) => {
    const crowded = () => room.crowded(listeners.connections, local);
    return new Acceptor({ clock: systemClock, log, version: packageVersion, admit, crowded, ...bounds });
  };
  // A flood from the network cannot keep the agent of this host out: it has a door of its own. Nor can those who do not even
  // know what to do at the door with TLS keep those out who have a certificate, or the other way round.
  const doors = { local: door(true), plain: door(false), secure: door(false, secureBounds) };
  const doorOf = ({ peer, secure }: Transport) => (secure ? doors.secure : peer === "" ? doors.local : doors.plain);
  const onTransport = (transport: Transport) => doorOf(transport).accept(transport);
  const listeners: Listeners = new Listeners({ service, credentials: () => undefined, log, onTransport });
  await listeners.open();
  feedWatchdog(systemClock);
  service.ready(
    () => `${controller.nodes.size} nodes may register`,
    (now) => {
      controller.reconfigure(terms(now));
      void listeners.review();
    },
  );
  log.info(`Stopping because of ${await stopped}`);
  service.stopping();
  listeners.close();
  for (const door of Object.values(doors)) door.close();
  controller.shutDown();
  await presence.close();
  audit.flush();
  return 0;
}

function terms(settings: ControllerSettings): ControllerTerms {
  const { JobLostTimeout, TargetLostTimeout } = settings;
  const nodes = nodeTerms(settings, { enrolled: new Set(), security: securityOf(settings, false) });
  return { nodes, jobLostTimeoutMs: JobLostTimeout, targetLostTimeoutMs: TargetLostTimeout };
}
