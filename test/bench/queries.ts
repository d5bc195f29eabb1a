// What is asked of a node: by the controller, and of that host's systemd.
import { controllerInterface } from "../../src/api/controller.ts";
import { controllerName, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { type Body, emptyBody } from "../../src/base/body.ts";
import type { Call } from "../../src/bus/calls.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { unitPath } from "../../src/systemd/object-path.ts";
import { type Caller, prepare } from "./caller.ts";
import { systemdManager } from "./job-clients.ts";
import { oneByOne, timed, type Way } from "./sample.ts";
import type { World } from "./world.ts";

/** A service that every host has loaded: systemd would load any other to answer, and forget it again. */
const loaded = "dbus.service";
const unitName = "org.freedesktop.systemd1.Unit";
const serviceName = "org.freedesktop.systemd1.Service";
const propertiesName = "org.freedesktop.DBus.Properties";

export type Query = () => Promise<unknown>;
export type Queries = Readonly<Record<"bluechi" | "systemd", Query>>;

/** One query after the other. */
export const inTurn = (query: Query): Way<"time"> => oneByOne(async () => ({ time: await timed(query) }));

export function both(queries: Queries, way: (query: Query) => Way<"time">) {
  return { bluechi: way(queries.bluechi), systemd: way(queries.systemd) };
}

/** Asks the controller for something of a node. */
function nodeQuery(caller: Caller, node: string, member: string, body = emptyBody): Query {
  const path = nodePath(node);
  return asked(caller, { destination: controllerName, path, interface: nodeInterface.name, member, body });
}

/** Asks the controller for the value of a property of a unit. */
export function propertyQuery(caller: Caller, node: string): Query {
  return nodeQuery(caller, node, "GetUnitProperty", encodeBody("sss", [loaded, unitName, "ActiveState"]));
}

/** The queries that are compared, each on a connection of its own to the controller's bus and to systemd itself. */
export async function openQueries(world: World) {
  const { node } = world;
  const ours = await world.caller(world.main);
  const theirs = await world.systemd(node);
  const get = encodeBody("ss", [unitName, "ActiveState"]);
  const getAll = encodeBody("s", [serviceName]);
  return {
    property: { bluechi: propertyQuery(ours, node.name), systemd: unitQuery(theirs, loaded, "Get", get) },
    properties: {
      bluechi: nodeQuery(ours, node.name, "GetUnitProperties", encodeBody("ss", [loaded, serviceName])),
      systemd: unitQuery(theirs, loaded, "GetAll", getAll),
    },
    units: {
      bluechi: nodeQuery(ours, node.name, "ListUnits"),
      systemd: asked(theirs, { ...systemdManager, member: "ListUnits" }),
    },
  } satisfies Record<string, Queries>;
}

/** Asks the controller for the units of all nodes. */
export async function openAllUnits(world: World): Promise<Query> {
  const call = { path: rootPath, interface: controllerInterface.name, member: "ListUnits" };
  return asked(await world.caller(world.main), { destination: controllerName, ...call });
}

function unitQuery(caller: Caller, unit: string, member: string, body: Body): Query {
  return asked(caller, {
    destination: systemdManager.destination,
    path: unitPath(unit),
    interface: propertiesName,
    member,
    body,
  });
}

export function asked(caller: Caller, call: Call): Query {
  const message = prepare(call);
  return () => caller.call(message);
}
