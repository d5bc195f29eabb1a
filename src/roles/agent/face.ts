import { agentInterface } from "../../api/agent.ts";
import { rootPath } from "../../api/names.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import type { BusConnection } from "../../bus/connection.ts";
import { ObjectTree, type Served } from "../../bus/serve.ts";
import type { Agent, AgentListener } from "./agent.ts";

/** The agent as it is seen on one connection to its bus. */
export class AgentFace implements AgentListener {
  readonly #agent: Agent;
  /** The proxies whose starts are waited for over this connection. */
  readonly #awaited = new Set<string>();
  readonly #served: Served<typeof agentInterface>;

  constructor(connection: BusConnection, agent: Agent, log: Log) {
    this.#agent = agent;
    this.#served = new ObjectTree(connection).add(
      rootPath,
      agentInterface,
      {
        CreateProxy: async ({ local_service_name, node, unit }, { sender }) => {
          const service = serviceName(local_service_name);
          const created = agent.proxies.create(service, node, unit);
          // Who waits may be stopped with the proxy unit: then nobody needs the target any more.
          const waiting = connection.watchName(sender, () => agent.proxies.remove(service));
          this.#awaited.add(service);
          try {
            await created;
          } finally {
            this.#awaited.delete(service);
            waiting.cancel();
          }
        },
        RemoveProxy: ({ local_service_name }) => agent.proxies.remove(serviceName(local_service_name)),
        SwitchController: ({ dbus_address }) => agent.switchController(dbus_address),
        JobCancel: async ({ id }) => {
          await agent.jobs.cancel(id).catch(() => {
            throw new Failure(ErrorName.Failed, `No job with ID '${id}' found`);
          });
        },
      },
      {
        Status: () => agent.status,
        ControllerAddress: () => agent.link.address,
        LogLevel: () => log.level,
        LogTarget: () => log.target,
        DisconnectTimestamp: () => agent.disconnectedUs,
        DisconnectTimestampMonotonic: () => agent.disconnectedMonotonicUs,
        LastSeenTimestamp: () => agent.lastSeenUs,
        LastSeenTimestampMonotonic: () => agent.lastSeenMonotonicUs,
      },
    );
  }

  /** Gives up what was waited for over a connection that is gone: nobody can be told any more. */
  detach(): void {
    for (const service of this.#awaited) this.#agent.proxies.remove(service);
  }

  statusChanged(): void {
    this.#served.changed("Status");
  }

  controllerAddressChanged(): void {
    this.#served.changed("ControllerAddress");
  }
}

/** The proxy unit: callers name it with or without the suffix that its unit's name brings along. */
function serviceName(localServiceName: string): string {
  return localServiceName.endsWith(".service") ? localServiceName : `${localServiceName}.service`;
}
