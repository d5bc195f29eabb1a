import type { About } from "../../../api/gatekeeper.ts";
import { jobPath, nodePath } from "../../../api/names.ts";
import { nodeInterface } from "../../../api/node.ts";
import type { Body } from "../../../base/body.ts";
import { ErrorName, Failure } from "../../../base/failure.ts";
import { isLevel } from "../../../base/log.ts";
import { signatureOf } from "../../../bus/interface.ts";
import type { Caller, Implementation, ObjectTree, Properties, Served } from "../../../bus/serve.ts";
import { managerInterface } from "../../../systemd/manager-interface.ts";
import type { JobType } from "../../../systemd/port.ts";
import type { Controller } from "../controller.ts";
import type { Node } from "../node.ts";

type NodeMethods = Implementation<typeof nodeInterface>;
type PassedThrough = keyof typeof managerInterface.methods & keyof NodeMethods;

/** Serves a node on the bus. */
export function serveNode(tree: ObjectTree<About>, controller: Controller, node: Node): Served<typeof nodeInterface> {
  const job =
    (type: JobType) =>
    async ({ name, mode }: { name: string; mode: string }, caller: Caller) => {
      const made = await controller.startJob(node, type, name, mode);
      // Whoever asked learns the job's path before anything else is told about it.
      caller.afterReply(() => controller.jobs.handle(made, { type: "accepted" }));
      return { job: jobPath(made.id) };
    };
  const methods: NodeMethods = {
    ...passThrough(node),
    StartUnit: job("start"),
    StopUnit: job("stop"),
    RestartUnit: job("restart"),
    ReloadUnit: job("reload"),
    GetUnitProperties: ({ name, interface: interfaceName }) => node.unitProperties(name, interfaceName),
    GetUnitProperty: ({ name, interface: interfaceName, property }) => node.unitProperty(name, interfaceName, property),
    SetLogLevel: async ({ level }) => {
      // An agent ignores a level that it does not know; so did the original, and callers rely on that it succeeds.
      if (!node.online) throw new Failure(ErrorName.Offline, "Node is offline");
      if (isLevel(level.toUpperCase())) await node.call("setLogLevel", { level: level.toUpperCase() });
    },
  };
  const properties: Properties<typeof nodeInterface> = {
    Name: () => node.name,
    Status: () => node.status,
    PeerIp: () => node.peer,
    LastSeenTimestamp: () => node.lastSeenUs,
    LastSeenTimestampMonotonic: () => node.lastSeenMonotonicUs,
  };
  return tree.add(nodePath(node.name), nodeInterface, methods, properties, { node: node.name });
}

/** The methods that are systemd's own: arguments and answer travel as they are. */
function passThrough(node: Node): Pick<NodeMethods, PassedThrough> {
  const methods: Record<string, (args: unknown, caller: Caller) => Promise<Body>> = {};
  for (const [name, { out }] of Object.entries(managerInterface.methods)) {
    methods[name] = (_args, { body }) => node.callManager(name, body, signatureOf(out));
  }
  return methods as Pick<NodeMethods, PassedThrough>;
}
