import { type Body, emptyBody } from "../base/body.ts";
import type { BusConnection } from "./connection.ts";
import { type Arguments, signatureOf } from "./interface.ts";
import { signalHeader } from "./message.ts";
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
  #header: Uint8Array | undefined;

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
    const body = this.#last.of(this.#types, args);
    if (!destinations) {
      this.#connection.signal({ ...this.#signal, body });
      return;
    }
    this.#header ??= signalHeader({ ...this.#signal, signature: signatureOf(this.#types) });
    for (const destination of destinations) this.#connection.signalTo(destination, this.#header, body.bytes);
  }
}
