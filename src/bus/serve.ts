import type { Body } from "../base/body.ts";
import type { BusConnection } from "./connection.ts";
import type { In, Interface, Out, PropertyValue, Sendable, SignalArguments } from "./interface.ts";

/** Who calls, and the arguments as they came. */
export interface Caller {
  readonly sender: string;
  readonly body: Body;
}

type Answer<Values> = keyof Values extends never ? void : Sendable<Values>;

/** A handler for every method of an interface. One that returns no values returns nothing; a Body is passed on as it is. */
export type Implementation<I extends Interface> = {
  readonly [M in keyof I["methods"]]: (
    args: In<I, M>,
    caller: Caller,
  ) => Answer<Out<I, M>> | Body | Promise<Answer<Out<I, M>> | Body>;
};

/** A getter for every property of an interface. */
export type Properties<I extends Interface> = { readonly [P in keyof I["properties"]]: () => PropertyValue<I, P> };

/** The properties whose changes are told with their values. */
export type Changing<I extends Interface> = {
  [P in keyof I["properties"]]: I["properties"][P]["emits"] extends "change" ? P : never;
}[keyof I["properties"]] &
  string;

/** An interface as it is served at one path. */
export interface Served<I extends Interface> {
  /** Sends a signal to each of `destinations`, to all who listen when they are left out. */
  emit<S extends keyof I["signals"] & string>(
    signal: S,
    args: Sendable<SignalArguments<I, S>>,
    destinations?: readonly string[],
  ): void;
  /** Tells the present values of properties by PropertiesChanged. */
  changed(...names: Changing<I>[]): void;
  remove(): void;
}

export class ObjectTree {
  // biome-ignore lint: signatures first
  constructor(_connection: BusConnection) {}
  add<const I extends Interface>(
    _path: string,
    _table: I,
    _methods: Implementation<NoInfer<I>>,
    _properties: Properties<NoInfer<I>>,
  ): Served<I> {
    throw new Error("signatures only");
  }
  remove(_path: string): void {}
}
