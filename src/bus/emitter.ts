import { type Body, emptyBody } from "../base/body.ts";
import type { BusConnection } from "./connection.ts";
import { addressHeader, signalHeader } from "./headers.ts";
import { type Arguments, signatureOf } from "./interface.ts";
import { encodeNamed } from "./named.ts";

type Named = Readonly<Record<string, unknown>>;

/** The body of the arguments that were sent last: one event is told by one object after another, each to its listeners. */
export class LastBody {
  #types: Arguments = {};
  #args: Named = {};
  #body = emptyBody;

  /** @param args which nobody may change later. @throws Failure InvalidArgs as encodeBody does. */
  of(types: Arguments, args: Named): Body {
    if (types !== this.#types || !this.#holds(args)) {
      this.#body = encodeNamed(types, args);
      this.#types = types;
      this.#args = args;
    }
    return this.#body;
  }

  #holds(args: Named): boolean {
    for (const name in this.#types) if (args[name] !== this.#args[name]) return false;
    return true;
  }
}

/** Sends one signal of one object: what is the same each time is made once. */
export class Emitter {
  readonly #connection: BusConnection;
  readonly #signal: { readonly path: string; readonly interface: string; readonly member: string };
  readonly #types: Arguments;
  readonly #last: LastBody;
  /** To all who listen. */
  #header: Uint8Array | undefined;
  /** To who was told last: most objects have but one listener. */
  #to: string | undefined;
  #addressed: Uint8Array = new Uint8Array();

  constructor(
    connection: BusConnection,
    signal: { readonly path: string; readonly interface: string; readonly member: string },
    types: Arguments,
    last: LastBody,
  ) {
    this.#connection = connection;
    this.#signal = signal;
    this.#types = types;
    this.#last = last;
  }

  /** Sends it to each of `destinations`, to all who listen when they are left out. */
  emit(args: Named, destinations?: readonly string[]): void {
    const { bytes } = this.#last.of(this.#types, args);
    if (!destinations) {
      this.#connection.signalBy(this.#headerToAll(), bytes);
      return;
    }
    for (const destination of destinations) this.#connection.signalBy(this.#headerTo(destination), bytes, destination);
  }

  #headerToAll(): Uint8Array {
    this.#header ??= signalHeader({ ...this.#signal, signature: signatureOf(this.#types) });
    return this.#header;
  }

  #headerTo(destination: string): Uint8Array {
    if (destination === this.#to) return this.#addressed;
    this.#addressed = addressHeader(this.#headerToAll(), destination);
    this.#to = destination;
    return this.#addressed;
  }
}
