import type { Body } from "../base/body.ts";
import type { ValuesOf } from "../base/signature.ts";

/** Names and signatures of arguments, in their order on the bus. */
export type Arguments = Record<string, string>;

export interface Method {
  readonly in: Arguments;
  readonly out: Arguments;
  readonly help?: string;
}

interface Signal {
  readonly args: Arguments;
  readonly help?: string;
}

/**
 * How changes of a property are told (D-Bus specification, "Introspection Data Format", EmitsChangedSignal): `change` by
 * PropertiesChanged with the value, `const` never changes, `explicit` is not told and left out of GetAll, as sd-bus does
 * for SD_BUS_VTABLE_PROPERTY_EXPLICIT.
 */
type Emits = "change" | "const" | "explicit";

interface Property {
  readonly type: string;
  readonly emits: Emits;
  readonly help?: string;
}

/**
 * A D-Bus interface as data: what serves it, calls it, prints its introspection and documents it reads this table. Those that
 * we serve have a `help` for each member, in the words of the manual page org.eclipse.bluechi(5).
 */
export interface Interface {
  readonly name: string;
  readonly methods: Record<string, Method>;
  readonly signals: Record<string, Signal>;
  readonly properties: Record<string, Property>;
}

/** Checks the shape of an interface's table and keeps its exact type. */
export function defineInterface<const I extends Interface>(table: I): I {
  return table;
}

/** The named arguments that a method takes. */
export type In<I extends Interface, M extends keyof I["methods"]> = ValuesOf<I["methods"][M]["in"]>;
/** The named values that a method returns. */
export type Out<I extends Interface, M extends keyof I["methods"]> = ValuesOf<I["methods"][M]["out"]>;
/** The named values that a signal carries. */
export type SignalArguments<I extends Interface, S extends keyof I["signals"]> = ValuesOf<I["signals"][S]["args"]>;
/** The value of a property. */
export type PropertyValue<I extends Interface, P extends keyof I["properties"]> = ValuesOf<{
  value: I["properties"][P]["type"];
}>["value"];

/** Named values to be sent: an array or dictionary may be a Body of just that type, whose bytes are passed on. */
export type Sendable<Values> = {
  [Name in keyof Values]: Values[Name] extends readonly unknown[] | ReadonlyMap<unknown, unknown>
    ? Values[Name] | Body
    : Values[Name];
};

const signatures = new WeakMap<Arguments, string>();

/** The signature of named values, in their order on the bus. Tables do not change, so it is put together once. */
export function signatureOf(types: Arguments): string {
  let signature = signatures.get(types);
  if (signature === undefined) {
    signature = Object.values(types).join("");
    signatures.set(types, signature);
  }
  return signature;
}
