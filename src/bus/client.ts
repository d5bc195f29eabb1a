import type { BusConnection } from "./connection.ts";
import type { In, Interface, Out, PropertyValue, Sendable, SignalArguments } from "./interface.ts";

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
  getAll(): Promise<{ [P in keyof I["properties"]]?: PropertyValue<I, P> }>;
  /** Hears the object's signal; the match rule is the caller's affair (see matchSignals). */
  onSignal<S extends keyof I["signals"] & string>(signal: S, listener: (args: SignalArguments<I, S>) => void): void;
  /** Hears PropertiesChanged of this interface of the object. */
  onChanged(listener: (changed: { [P in keyof I["properties"]]?: PropertyValue<I, P> }) => void): void;
  /** Asks the bus for the signals of this interface and for PropertiesChanged of the object. */
  match(): Promise<void>;
}

export function client<const I extends Interface>(
  _connection: BusConnection,
  _destination: string,
  _path: string,
  _table: I,
): Client<I> {
  throw new Error("signatures only");
}
