import type { Body } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import type { Variant } from "../base/signature.ts";
import type { BusConnection } from "./connection.ts";
import { followOwner } from "./driver.ts";
import {
  type In,
  type Interface,
  type Out,
  type PropertyValue,
  type Sendable,
  type SignalArguments,
  signatureOf,
} from "./interface.ts";
import { encodeBody } from "./marshal.ts";
import { decodeNamed, encodeNamed } from "./named.ts";
import { decodeBody } from "./unmarshal.ts";

/** The properties that an object told, by name. */
type Values<I extends Interface> = { [P in keyof I["properties"]]?: PropertyValue<I, P> };

/** A typed caller of one interface of one remote object. */
export interface Client<I extends Interface> {
  /** @throws Failure with the error that the other side answered, or InvalidSignature for an answer of another shape. */
  call<M extends keyof I["methods"] & string>(
    method: M,
    args: Sendable<In<I, M>>,
    options?: { readonly timeoutMs?: number },
  ): Promise<Out<I, M>>;
  get<P extends keyof I["properties"] & string>(property: P): Promise<PropertyValue<I, P>>;
  /** All properties that the object tells at once; `explicit` ones are left out. */
  getAll(): Promise<Values<I>>;
  /** Hears a signal of the object, once match() was asked for. */
  onSignal<S extends keyof I["signals"] & string>(signal: S, listener: (args: SignalArguments<I, S>) => void): void;
  /** Hears which properties of the object changed, once match() was asked for. */
  onChanged(listener: (changed: Values<I>) => void): void;
  /** Asks the bus for the signals of this interface of the object, and for its PropertiesChanged. */
  match(): Promise<void>;
}

const propertiesName = "org.freedesktop.DBus.Properties";

/** @param destination a bus name; signals are believed only of who owns it. */
export function client<const I extends Interface>(
  connection: BusConnection,
  destination: string,
  path: string,
  table: I,
): Client<I> {
  const call = async (interfaceName: string, member: string, body: Body, expected: string, options = {}) => {
    const reply = await connection.call({ destination, path, interface: interfaceName, member, body, ...options });
    if (reply.body.signature !== expected)
      throw new Failure(ErrorName.InvalidSignature, `${member} answered '${reply.body.signature}', not '${expected}'`);
    return reply.body;
  };
  let owner = destination;
  const hear = (interfaceName: string, member: string, signature: string, listener: (body: Body) => void) =>
    connection.onSignal((signal) => {
      const ours = signal.path === path && signal.interface === interfaceName && signal.member === member;
      if (ours && signal.sender === owner && signal.body.signature === signature) listener(signal.body);
    });
  const typed: Client<Interface> = {
    async call(member, args, options) {
      const { in: input = {}, out: output = {} } = table.methods[member] ?? {};
      const reply = await call(table.name, member, encodeNamed(input, args), signatureOf(output), options);
      return decodeNamed(output, reply) as Record<string, never>;
    },
    async get(name) {
      const [value] = decodeBody(await call(propertiesName, "Get", encodeBody("ss", [table.name, name]), "v"));
      return propertyValue(table, name, value as Variant);
    },
    async getAll() {
      const [values] = decodeBody(await call(propertiesName, "GetAll", encodeBody("s", [table.name]), "a{sv}"));
      return valuesOf(table, values as Map<string, Variant>);
    },
    onSignal(member, listener) {
      const types = table.signals[member]?.args ?? {};
      hear(table.name, member, signatureOf(types), (body) =>
        listener(decodeNamed(types, body) as Record<string, never>),
      );
    },
    onChanged(listener) {
      hear(propertiesName, "PropertiesChanged", "sa{sv}as", (body) => {
        const [name, values] = decodeBody(body);
        if (name === table.name) listener(valuesOf(table, values as Map<string, Variant>));
      });
    },
    async match() {
      const rule = { type: "signal", sender: destination, path } as const;
      const changes = { ...rule, interface: propertiesName, member: "PropertiesChanged", arg0: table.name } as const;
      await Promise.all([
        followOwner(connection, destination, (name) => {
          owner = name;
        }),
        connection.addMatch({ ...rule, interface: table.name }),
        connection.addMatch(changes),
      ]);
    },
  };
  return typed as unknown as Client<I>;
}

function propertyValue(table: Interface, name: string, variant: Variant): never {
  const expected = table.properties[name]?.type;
  if (variant.signature !== expected)
    throw new Failure(ErrorName.InvalidSignature, `${name} is of type '${variant.signature}', not '${expected}'`);
  return variant.value as never;
}

/** What is known to the table: another version of the other side may have properties that we do not know. */
function valuesOf(table: Interface, variants: Map<string, Variant>): Record<string, never> {
  const values: Record<string, never> = {};
  for (const [name, variant] of variants)
    if (Object.hasOwn(table.properties, name)) values[name] = propertyValue(table, name, variant);
  return values;
}
