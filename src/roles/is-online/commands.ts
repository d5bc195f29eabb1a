import { agentInterface } from "../../api/agent.ts";
import { controllerInterface } from "../../api/controller.ts";
import { agentName, controllerName, nodePath, rootPath } from "../../api/names.ts";
import { nodeInterface } from "../../api/node.ts";
import { commonOptions } from "../../base/options.ts";
import type { Target } from "./status-watch.ts";

export const options = {
  help: commonOptions.help,
  wait: { argument: "MS", help: "Wait so long for it to come online" },
  monitor: { help: "Stay until it goes offline" },
  "switch-timeout": { argument: "MS", help: "Let an agent be offline so long while it switches its controller" },
} as const;

interface Command {
  readonly argument?: string;
  readonly help: string;
  readonly target: (argument: string) => Target;
}

/** What may be asked for. */
export const commands: Record<string, Command> = {
  agent: {
    help: "Whether the agent on this host is online",
    target: () => ({ daemon: agentName, path: rootPath, interface: agentInterface.name, online: "online" }),
  },
  node: {
    argument: "NAME",
    help: "Whether a node is online",
    target: (name) => ({
      daemon: controllerName,
      path: nodePath(name),
      interface: nodeInterface.name,
      online: "online",
    }),
  },
  system: {
    help: "Whether all nodes are online",
    target: () => ({ daemon: controllerName, path: rootPath, interface: controllerInterface.name, online: "up" }),
  },
};
