import { readFile } from "node:fs/promises";
import { type Body, emptyBody } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import type { MethodCall } from "./connection.ts";
import { introspect } from "./introspect.ts";
import { encodeBody } from "./marshal.ts";
import type { ObjectNode, Part } from "./object-node.ts";
import { decodeBody } from "./unmarshal.ts";

// The interfaces that every object has (D-Bus specification, "Standard Interfaces"), as sd-bus answers for them.

export function unknownMethod({ member, interface: name }: MethodCall): Failure {
  return new Failure(ErrorName.UnknownMethod, `Unknown method ${member} or interface ${name}.`);
}

/**
 * The answer to a call of a standard interface, undefined for any other call. Peer is there for every path, and
 * Introspectable for those that lead to an object; Properties needs the object.
 */
export function answerStandard(node: ObjectNode | undefined, call: MethodCall): Body | Promise<Body> | undefined {
  switch (call.interface) {
    case "org.freedesktop.DBus.Peer":
      return answerPeer(call);
    case "org.freedesktop.DBus.Introspectable":
      if (!node) return undefined;
      if (call.member !== "Introspect") throw unknownMethod(call);
      return encodeBody("s", [
        introspect(
          node.parts.map(({ table }) => table),
          node.children.keys(),
        ),
      ]);
    case "org.freedesktop.DBus.Properties":
      return node && node.parts.length > 0 ? answerProperties(node.parts, call) : undefined;
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

function answerProperties(parts: readonly Part[], call: MethodCall): Body {
  const { signature } = call.body;
  if (call.member === "GetAll" && signature === "s") return getAll(parts, String(decodeBody(call.body)[0]));
  if (call.member === "Get" && signature === "ss") {
    const [interfaceName, name] = decodeBody(call.body) as [string, string];
    return encodeBody("v", [readProperty(findProperty(parts, interfaceName, name), name)]);
  }
  if (call.member === "Set" && signature === "ssv") {
    const [interfaceName, name] = decodeBody(call.body) as [string, string];
    findProperty(parts, interfaceName, name);
    throw new Failure(ErrorName.PropertyReadOnly, `Property '${name}' is not writable.`);
  }
  if (["Get", "GetAll", "Set"].includes(call.member))
    throw new Failure(ErrorName.InvalidArgs, "Expected interface and member parameters");
  throw unknownMethod(call);
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
