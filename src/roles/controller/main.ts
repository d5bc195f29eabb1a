import { controllerName } from "../../api/names.ts";
import { systemClock } from "../../base/clock.ts";
import { type Daemon, runDaemon, type Start } from "../../base/daemon.ts";
import { packageVersion } from "../../base/version.ts";
import { systemBusAddress } from "../../bus/address.ts";
import { Presence } from "../../bus/presence.ts";
import { feedWatchdog, notify } from "../../systemd/notify.ts";
import { Acceptor } from "../../wire/handshake.ts";
import type { Listener } from "../../wire/transport.ts";
import { admission } from "./admission.ts";
import { Controller } from "./controller.ts";
import { ControllerFace } from "./dbus/face.ts";
import { listen } from "./listeners.ts";
import { Room } from "./room.ts";
import { type ControllerSettings, readControllerSettings, section } from "./settings.ts";

const options = {
  port: { short: "p", argument: "PORT", help: "The port to listen on" },
  config: { short: "c", argument: "FILE", help: "A configuration file to read after the others" },
} as const;

const daemon: Daemon<typeof options, ControllerSettings> = {
  summary: "The controller of bluechi: the service that all nodes connect to.",
  options,
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
  { settings, log }: Start<typeof options, ControllerSettings>,
  stopped: Promise<string>,
): Promise<number> {
  if (settings.HeartbeatInterval === 0) log.warn("Heartbeat disabled since configured interval '0' is <=0");
  const controller = new Controller({
    nodes: settings.nodes,
    clock: systemClock,
    log,
    jobLostTimeoutMs: settings.JobLostTimeout,
  });
  const presence = await Presence.open({
    address: systemBusAddress(),
    name: controllerName,
    clock: systemClock,
    log,
    attach(connection) {
      const face = new ControllerFace(connection, controller, log);
      controller.listen(face);
      return () => {
        face.detach();
        controller.listen(undefined);
      };
    },
  });
  const admit = admission(controller, settings, log, systemClock);
  const room = new Room(log, systemClock);
  const listeners: Listener[] = [];
  const door = (local: boolean) => {
    const connections = () => listeners.reduce((sum, listener) => sum + listener.connections, 0);
    const crowded = () => room.crowded(connections(), local);
    return new Acceptor({ clock: systemClock, log, version: packageVersion, admit, crowded });
  };
  // A flood from the network cannot keep the agent of this host out: it has a door of its own.
  const [network, local] = [door(false), door(true)];
  listeners.push(...(await listen(settings, log, (transport) => (transport.peer ? network : local).accept(transport))));
  feedWatchdog(systemClock);
  notify("READY=1", `STATUS=${settings.nodes.length} nodes may register`);
  log.info(`Stopping because of ${await stopped}`);
  notify("STOPPING=1");
  for (const listener of listeners) listener.close();
  network.close();
  local.close();
  controller.shutDown();
  await presence.close();
  return 0;
}
