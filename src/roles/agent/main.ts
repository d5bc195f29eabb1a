import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { agentName } from "../../api/names.ts";
import { agentPlaces } from "../../base/agent-places.ts";
import { systemClock } from "../../base/clock.ts";
import { type Daemon, runDaemon, type Start } from "../../base/daemon.ts";
import { asFailure, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { feedWatchdog } from "../../base/notify.ts";
import type { Service } from "../../base/service.ts";
import { socketOptions } from "../../base/socket-options.ts";
import { packageVersion } from "../../base/version.ts";
import { systemBusAddress, userBusAddress } from "../../bus/address.ts";
import { Presence } from "../../bus/presence.ts";
import { type Credentials, IdentityFolder } from "../../identity/credentials.ts";
import { bootId } from "../../systemd/boot.ts";
import { Manager } from "../../systemd/manager.ts";
import { ReconnectingSystemd } from "../../systemd/reconnecting.ts";
import { join as hello, probe } from "../../wire/handshake.ts";
import { Agent } from "./agent.ts";
import { checkPermitted, dial } from "./dial.ts";
import { AgentFace } from "./face.ts";
import { Identity, trusting } from "./identity.ts";
import { KeptSwitch } from "./kept-switch.ts";
import type { LinkOptions } from "./link.ts";
import { type AgentSettings, agentSettings, readAgentSettings } from "./settings.ts";

export const options = {
  host: { short: "H", argument: "HOST", help: "The controller's host, or several, separated by commas" },
  port: { short: "p", argument: "PORT", help: "The controller's port" },
  address: {
    short: "a",
    argument: "ADDRESS",
    help: "The controller's address, instead of host and port; or several, separated by semicolons",
  },
  name: { short: "n", argument: "NAME", help: "The name of this node" },
  interval: { short: "i", argument: "MS", help: "Milliseconds between heartbeats" },
  config: { short: "c", argument: "FILE", help: "A configuration file to read after the others" },
  user: { short: "u", help: "Manage the units of the user manager, on the user's bus" },
} as const;

const daemon: Daemon<typeof options, AgentSettings> = {
  summary: "The agent of bluechi: connects the systemd of this host to the controller.",
  options,
  table: agentSettings,
  tableOf: (section) => (section === agentPlaces.section ? agentSettings : undefined),
  places: (values) => ({
    ...agentPlaces,
    named: values.config,
    options: {
      ControllerHost: values.host,
      ControllerPort: values.port,
      ControllerAddress: values.address,
      NodeName: values.name,
      HeartbeatInterval: values.interval,
    },
  }),
  readSettings: (ini) => readAgentSettings(ini, isEnrolled()),
  serve,
};

/** Runs the agent until SIGTERM or SIGINT. @returns the exit status. */
export function main(argv: readonly string[], name: string): Promise<number> {
  return runDaemon(daemon, argv, name);
}

async function serve(start: Start<typeof options, AgentSettings>, stopped: Promise<string>): Promise<number> {
  const { service, log } = start;
  const user = start.values.user === true;
  const systemd = await ReconnectingSystemd.open(() => Manager.open({ user }), { clock: systemClock, log });
  const keptSwitch = keptSwitchOf(service.settings, log);
  const permit = (address: string) => checkPermitted(address, service.settings.secure);
  const agent: Agent = new Agent({
    systemd,
    clock: systemClock,
    log,
    boot: bootId(),
    link: { ...linkOptions(service, log, () => agent), switchedTo: keptSwitch?.read(permit) },
    keptSwitch,
    permit,
    policy: () => service.settings.policy,
    node: () => service.settings.NodeName,
    identity: new Identity({ folder: identityFolder(), clock: systemClock, log }),
  });
  const presence = await Presence.open({
    address: user ? userBusAddress() : systemBusAddress(),
    name: agentName,
    clock: systemClock,
    log,
    attach(connection) {
      const face = new AgentFace(connection, agent, log);
      const unlisten = agent.listen(face);
      return () => {
        unlisten();
        face.detach();
      };
    },
  });
  agent.listen({ statusChanged: () => service.statusChanged(), controllerAddressChanged: () => {} });
  feedWatchdog(systemClock);
  const status = () => `Node ${service.settings.NodeName} is ${agent.status}`;
  const tried = agent.start().then(() => service.ready(status, (now, before) => reconnect(agent, now, before, log)));
  const signal = await Promise.race([stopped, tried.then(() => stopped)]);
  log.info(`Stopping because of ${signal}`);
  service.stopping();
  await agent.stop(await systemd.stopJob().catch(() => undefined));
  await presence.close();
  systemd.close();
  return 0;
}

/** Where the agent keeps what it is switched to, when it is told to. */
function keptSwitchOf(settings: AgentSettings, log: Log): KeptSwitch | undefined {
  if (!settings.PersistSwitchController) return undefined;
  const folder = stateFolder();
  if (folder) return new KeptSwitch(join(folder, "controller"), log);
  log.warn("SwitchController is not persisted: there is no $STATE_DIRECTORY, which StateDirectory= of the unit sets");
  return undefined;
}

/** The first of the folders that StateDirectory= has made (systemd.exec(5)). */
function stateFolder(): string | undefined {
  const [folder] = (process.env.STATE_DIRECTORY ?? "").split(":");
  return folder || undefined;
}

/** Where this node's certificate and key are. */
function identityFolder(): IdentityFolder | undefined {
  const folder = stateFolder();
  return folder === undefined ? undefined : new IdentityFolder(join(folder, "identity"));
}

/** This node's certificate and key. @throws Failure when there are some that cannot be used. */
function readIdentity(): Credentials | undefined {
  return identityFolder()?.read();
}

/** Whether this node has a certificate, if only one that cannot be used: then it is not to speak plainly. */
function isEnrolled(): boolean {
  try {
    return readIdentity() !== undefined;
  } catch {
    return true;
  }
}

/**
 * Leaves the controller when a reload has brought other controllers or another name, to register there or so. Where the
 * agent has been switched to meanwhile counts as long as the configured ones are the same.
 */
function reconnect(agent: Agent, now: AgentSettings, before: AgentSettings, log: Log): void {
  const moved = !isDeepStrictEqual(now.controllers, before.controllers) || now.secure !== before.secure;
  if (!moved && now.NodeName === before.NodeName) return;
  const address = moved ? now.controllers[0] : agent.link.address;
  log.info(`Connecting again, as '${now.NodeName}' to ${address}, because the configuration has changed`);
  if (moved) agent.reconfigure(now.controllers);
  else agent.link.reconnect();
}

/** What is in force when a link is made counts for it. */
function linkOptions(service: Service<AgentSettings>, log: Log, agent: () => Agent): LinkOptionsOfRole {
  const { settings } = service;
  const thresholdMs = ({ HeartbeatInterval, ControllerHeartbeatThreshold }: AgentSettings) =>
    // The check is made at each of the own heartbeats, so it goes with them.
    HeartbeatInterval > 0 ? ControllerHeartbeatThreshold : 0;
  const transportTo = async (address: string, signal: AbortSignal) => {
    const { settings } = service;
    const options = socketOptions(settings, thresholdMs(settings));
    const { Security: security } = settings;
    return await dial(address, { ...options, security, credentials: readIdentity(), clock: systemClock, signal });
  };
  const greeting = ({ NodeName }: AgentSettings) => ({
    clock: systemClock,
    log,
    node: NodeName,
    version: packageVersion,
  });
  return {
    addresses: settings.controllers,
    failback: settings.ControllerFailback,
    attemptsUntilQuiet: settings.ConnectionRetryCountUntilQuiet,
    maxDelayMs: settings.HeartbeatInterval || 2000,
    async probe(address, signal) {
      await probe(await transportTo(address, signal), { ...greeting(service.settings), signal });
    },
    async join(address, { lost, signal, origin }) {
      const transport = await transportTo(address, signal);
      const { settings } = service;
      const heartbeat = { intervalMs: settings.HeartbeatInterval, thresholdMs: thresholdMs(settings) };
      const joined = hello(transport, {
        ...greeting(settings),
        origin,
        signal,
        handlers: trusting(agent().handlers, transport),
        heartbeat,
        onHeartbeat: () => agent().seen(),
        onClose(reason, code) {
          if (reason.startsWith("no heartbeat")) {
            const silent = `since '${heartbeat.thresholdMs}'ms`;
            log.warn(`Did not receive heartbeat from controller ${silent}. Disconnecting it...`);
          }
          lost(reason, code);
        },
      });
      return joined.then(
        (session) => {
          log.info(`Connected to controller as '${settings.NodeName}'`);
          return session;
        },
        (error) => {
          const { errorName, message } = asFailure(error);
          throw new Failure(errorName, `Registering as '${settings.NodeName}' failed: ${message}`);
        },
      );
    },
  };
}

type LinkOptionsOfRole = Omit<LinkOptions, "clock" | "log" | "listener">;
