import { readFile } from "node:fs/promises";
import { type Body, emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import type { MethodCall } from "./calls.ts";
import { introspect } from "./introspect.ts";
import { encodeBody } from "./marshal.ts";
import type { ObjectNode, Part } from "./object-node.ts";
import { decodeBody } from "./unmarshal.ts";

// The interfaces that every object has (D-Bus specification, "Standard Interfaces"), as sd-bus answers for them.

export function unknownMethod({ member, interface: name }: MethodCall): Failure {
  return new Failure(ErrorName.UnknownMethod, `Unknown method ${member} or interface ${name}.`);
}

/** The members of Properties: the arguments that each begins with, and what it says of others. */
const propertyCalls = new Map([
  ["Get", { arguments: "ss", complaint: "Expected interface and member parameters" }],
  ["Set", { arguments: "ss", complaint: "Expected interface and member parameters" }],
  ["GetAll", { arguments: "s", complaint: "Expected interface parameter" }],
]);

/** What pings are calls of. */
export const peerName = "org.freedesktop.DBus.Peer";

/**
 * The answer to a call of a standard interface, undefined for any other call and for an object that is not there. Peer is
 * there for every path, and Introspectable for those that lead to an object; Properties needs the object. Arguments are
 * looked at first.
 */
export function answerStandard(node: ObjectNode | undefined, call: MethodCall): Body | Promise<Body> | undefined {
  switch (call.interface) {
    case peerName:
      return answerPeer(call);
    case "org.freedesktop.DBus.Introspectable":
      return call.member === "Introspect" ? answerIntrospect(node, call) : undefined;
    case "org.freedesktop.DBus.Properties":
      return answerProperties(node?.parts ?? [], call);
    default:
      return undefined;
  }
}

function answerPeer(call: MethodCall): Body | Promise<Body> {
  if (call.member === "Ping") return emptyBody;
  if (call.member === "GetMachineId") return machineId();
  throw new Failure(ErrorName.UnknownMethod, `Unknown method '${call.member}' on interface '${call.interface}'.`);
}

async function machineId(): Promise<Body> {
  return encodeBody("s", [(await readFile("/etc/machine-id", "utf8")).trim()]);
}

function answerIntrospect(node: ObjectNode | undefined, call: MethodCall): Body | undefined {
  if (call.body.signature !== "") throw new Failure(ErrorName.InvalidArgs, "Expected no parameters");
  if (!node) return undefined;
  const tables = node.parts.map(({ table }) => table);
  return encodeBody("s", [introspect(tables, node.children.keys())]);
}

function answerProperties(parts: readonly Part[], call: MethodCall): Body | undefined {
  const known = propertyCalls.get(call.member);
  if (!known) return undefined;
  if (!call.body.signature.startsWith(known.arguments)) throw new Failure(ErrorName.InvalidArgs, known.complaint);
  if (parts.length === 0) return undefined;
  const [interfaceName, name] = decodeBody(call.body) as [string, string];
  if (call.member === "GetAll") return getAll(parts, interfaceName);
  const part = findProperty(parts, interfaceName, name);
  if (call.member === "Set") throw new Failure(ErrorName.PropertyReadOnly, `Property '${name}' is not writable.`);
  return encodeBody("v", [readProperty(part, name)]);
}

function findProperty(parts: readonly Part[], interfaceName: string, name: string): Part {
  const part = parts.find(({ table }) => table.name === interfaceName);
  if (part && Object.hasOwn(part.table.properties, name)) return part;
  throw new Failure(ErrorName.UnknownProperty, `Unknown interface ${interfaceName} or property ${name}.`);
}

function readProperty({ table, properties }: Part, name: string) {
  return { signature: table.properties[name]?.type ?? "", value: properties[name]?.() };
}

const standardNames = ["Peer", "Introspectable", "Properties"].map((name) => `org.freedesktop.DBus.${name}`);

/** All properties of an interface that are not `explicit`, of all interfaces for "". */
function getAll(parts: readonly Part[], interfaceName: string): Body {
  const chosen = parts.filter(({ table }) => interfaceName === "" || table.name === interfaceName);
  if (chosen.length === 0 && !standardNames.includes(interfaceName))
    throw new Failure(ErrorName.UnknownInterface, `Unknown interface '${interfaceName}'.`);
  const values = new Map<string, unknown>();
  for (const part of chosen) {
    for (const [name, { emits }] of Object.entries(part.table.properties))
      if (emits !== "explicit") values.set(name, readProperty(part, name));
  }
  return encodeBody("a{sv}", [values]);
}
