import { join } from "node:path";
import { Audit } from "../../api/audit.ts";
import { controllerName } from "../../api/names.ts";
import { systemClock } from "../../base/clock.ts";
import { type Daemon, runDaemon, type Start } from "../../base/daemon.ts";
import { feedWatchdog } from "../../base/notify.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { Presence } from "../../bus/presence.ts";
import type { AcceptorOptions } from "../../wire/handshake.ts";
import type { Transport } from "../../wire/transport.ts";
import { admission } from "./admission.ts";
import { tellAuthorities } from "./cluster/certificates.ts";
import { Cluster } from "./cluster/cluster.ts";
import { Controller, type ControllerTerms } from "./controller.ts";
import { ControllerFace } from "./dbus/face.ts";
import { Doors } from "./doors.ts";
import { Entrance } from "./entrance.ts";
import { Listeners } from "./listeners.ts";
import { LocalPeers } from "./local-peers.ts";
import {
  type ControllerSettings,
  certificateLifetimeMs,
  controllerSettings,
  nodeTerms,
  readControllerSettings,
  section,
  securityOf,
  tableOf,
} from "./settings.ts";

export const options = {
  port: { short: "p", argument: "PORT", help: "The port to listen on" },
  config: { short: "c", argument: "FILE", help: "A configuration file to read after the others" },
} as const;

const daemon: Daemon<typeof options, ControllerSettings> = {
  summary: "The controller of bluechi: the service that all nodes connect to.",
  options,
  table: controllerSettings,
  tableOf,
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
  const cluster = await Cluster.open({
    folder: clusterFolder(),
    clock: systemClock,
    log,
    lifetimeMs: () => certificateLifetimeMs(service.settings),
  });
  const controller = new Controller({ ...terms(settings, cluster), clock: systemClock, log });
  const audit = new Audit(log, systemClock);
  const entrance = new Entrance({ service, cluster, controller, listeners: () => listeners });
  const presence = await Presence.open({
    address: systemBusAddress(),
    name: controllerName,
    clock: systemClock,
    log,
    attach(connection) {
      const face = new ControllerFace(connection, controller, log, audit);
      const unlisten = face.serveCluster(cluster, entrance);
      controller.listen(face);
      return () => {
        unlisten();
        face.detach();
        controller.listen(undefined);
      };
    },
  });
  const localPeers = new LocalPeers({ service, log });
  const admit = admission(controller, { service, cluster, localPeers }, log, systemClock);
  const enrol: AcceptorOptions["enrol"] = (request, { peer, secure }) =>
    cluster.enrolment.enrol({ ...request, peer, secure });
  const doors: Doors = new Doors({ admit, enrol, log, connections: () => listeners.connections });
  const onTransport = (transport: Transport) => doors.accept(transport);
  const listeners: Listeners = new Listeners({ service, cluster, localPeers, log, onTransport });
  await listeners.open();
  const review = () => {
    controller.reconfigure(terms(service.settings, cluster));
    void listeners.review();
    for (const node of controller.nodes.values()) tellAuthorities(cluster, node);
  };
  cluster.listen({ changed: review, ended: (node, reason) => controller.nodes.get(node)?.disconnect(reason) });
  feedWatchdog(systemClock);
  service.ready(
    () => `${controller.nodes.size} nodes may register`,
    () => review(),
  );
  log.info(`Stopping because of ${await stopped}`);
  service.stopping();
  listeners.close();
  doors.close();
  cluster.close();
  controller.shutDown();
  await presence.close();
  audit.flush();
  return 0;
}

/** Where the controller keeps its cluster: below the first folder that StateDirectory= has made (systemd.exec(5)). */
function clusterFolder(): string | undefined {
  const [folder] = (process.env.STATE_DIRECTORY ?? "").split(":");
  return folder ? join(folder, "cluster") : undefined;
}

function terms(settings: ControllerSettings, cluster: Cluster): ControllerTerms {
  const { JobLostTimeout, TargetLostTimeout } = settings;
  const security = securityOf(settings, cluster.credentials !== undefined);
  const nodes = nodeTerms(settings, { enrolled: cluster.nodes, security });
  return { nodes, jobLostTimeoutMs: JobLostTimeout, targetLostTimeoutMs: TargetLostTimeout };
}
