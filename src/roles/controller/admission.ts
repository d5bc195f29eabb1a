import type { Log } from "../../base/log.ts";
import type { AcceptorOptions } from "../../wire/handshake.ts";
import type { Session } from "../../wire/session.ts";
import type { Controller } from "./controller.ts";
import type { ControllerSettings } from "./settings.ts";

type Heartbeat = Pick<ControllerSettings, "HeartbeatInterval" | "NodeHeartbeatThreshold">;

/** Decides on agents that say hello: those with the name of a known node become that node's connection. */
export function admission(controller: Controller, settings: Heartbeat, log: Log): AcceptorOptions["admit"] {
  const { HeartbeatInterval: intervalMs, NodeHeartbeatThreshold } = settings;
  return (hello, { peer }) => {
    const node = controller.admit(hello.node);
    let session: Session<"controller"> | undefined;
    return {
      handlers: controller.handlers(node),
      heartbeat: { intervalMs, thresholdMs: intervalMs > 0 ? NodeHeartbeatThreshold : 0 },
      onSession(opened) {
        session = opened;
        log.debug(`Agent of node '${node.name}' has version ${hello.version}`);
        controller.connected(node, opened, peer);
      },
      onHeartbeat: () => node.seen(),
      onClose(reason) {
        if (reason.startsWith("no heartbeat")) {
          const silent = `since '${NodeHeartbeatThreshold}'ms`;
          log.warn(`Did not receive heartbeat from node '${node.name}' ${silent}. Disconnecting it...`);
        }
        if (session) controller.disconnected(node, session, reason);
      },
    };
  };
}
