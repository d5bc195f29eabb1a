import type { Body } from "../base/body.ts";
import { asFailure, ErrorName, Failure } from "../base/failure.ts";
import type { MethodCall } from "./calls.ts";
import type { BusConnection } from "./connection.ts";
import { Emitter, LastBody } from "./emitter.ts";
import {
  type Arguments,
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
import { type ObjectNode, ObjectNodes, type Part } from "./object-node.ts";
import { answerStandard, peerName, unknownMethod } from "./standard.ts";

// Bounds: calls that are being answered, maxCalls in all and maxCallsOfSender for one sender; one more is answered
// LimitsExceeded.

const maxCalls = 8192;
const maxCallsOfSender = 1024;

/** Who calls, and the arguments as they came. */
export type Caller = Pick<MethodCall, "sender" | "body" | "interactive" | "afterReply">;

/** A call whose arguments are of the right types, to an object that was served with `about`. */
export interface Called<About> {
  readonly table: Interface;
  readonly member: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
  readonly about: About | undefined;
  /** Does what is asked for. @returns what the method does, now or later. */
  run(): unknown;
  /** Has the caller's further calls wait, but for pings, so that they are begun in the order in which they came. */
  hold(until: Promise<void>): void;
}

/** Stands before all methods: decides whether a call is run, and hears how that goes. */
export type Gate<About> = (called: Called<About>) => unknown;

// biome-ignore lint/suspicious/noConfusingVoidType: this is what a handler returns.
type Answer<Values> = keyof Values extends never ? void : Sendable<Values>;

/** A handler for every method of an interface. One that has no values to return returns nothing; a Body is passed on as it is. */
export type Implementation<I extends Interface> = {
  readonly [M in keyof I["methods"]]: (
    args: In<I, M>,
    caller: Caller,
  ) => Answer<Out<I, M>> | Body | Promise<Answer<Out<I, M>> | Body>;
};

/** A getter for every property of an interface. */
export type Properties<I extends Interface> = { readonly [P in keyof I["properties"]]: () => PropertyValue<I, P> };

/** The properties whose changes are told with their values. */
type Changing<I extends Interface> = {
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

/** The objects that a connection serves. Errors are named and worded as sd-bus does it. */
export class ObjectTree<About = unknown> {
  readonly #connection: BusConnection;
  readonly #gate: Gate<About>;
  readonly #nodes = new ObjectNodes();
  readonly #lastBody = new LastBody();
  readonly #callsOf = new Map<string, number>();
  /** What calls of a sender wait for. */
  readonly #holds = new Map<string, Promise<void>>();
  #calls = 0;

  /** Answers all calls that come over `connection` from now on, those of methods that `gate` lets through. */
  constructor(connection: BusConnection, gate: Gate<About> = (called) => called.run()) {
    this.#connection = connection;
    this.#gate = gate;
    connection.onCall((call) => this.#take(call));
  }

  /** Serves an interface at a path; a path may have several interfaces. @param about what the gate is told of the object. */
  add<const I extends Interface>(
    path: string,
    table: I,
    methods: Implementation<NoInfer<I>>,
    properties: Properties<NoInfer<I>>,
    about?: About,
  ): Served<I> {
    const part = { table, methods, properties, about } as unknown as Part;
    this.#nodes.add(path, part);
    const emitters: Record<string, Emitter> = {};
    return {
      emit: (signal, args, destinations) => {
        emitters[signal] ??= this.#emitter(path, table, signal);
        emitters[signal].emit(args, destinations);
      },
      changed: (...names) => this.#changed(path, part, names),
      remove: () => this.#nodes.remove(path, part),
    };
  }

  #emitter(path: string, table: Interface, member: string): Emitter {
    const signal = { path, interface: table.name, member };
    return new Emitter(this.#connection, signal, table.signals[member]?.args ?? {}, this.#lastBody);
  }

  #changed(path: string, { table, properties }: Part, names: readonly string[]): void {
    const values = new Map<string, unknown>();
    for (const name of names)
      values.set(name, { signature: table.properties[name]?.type, value: properties[name]?.() });
    const body = encodeBody("sa{sv}as", [table.name, values, []]);
    this.#connection.signal({ path, interface: "org.freedesktop.DBus.Properties", member: "PropertiesChanged", body });
  }

  #take(call: MethodCall): void {
    const ofSender = this.#callsOf.get(call.sender) ?? 0;
    if (this.#calls >= maxCalls || ofSender >= maxCallsOfSender) {
      call.error(new Failure(ErrorName.LimitsExceeded, "Too many calls are being answered."));
      return;
    }
    this.#calls++;
    this.#callsOf.set(call.sender, ofSender + 1);
    if (call.interface !== peerName && this.#holds.has(call.sender)) void this.#wait(call);
    else this.#answer(call);
  }

  /** Each that may go on is looked at before the next one, which it may have to wait for. */
  async #wait(call: MethodCall): Promise<void> {
    while (this.#holds.has(call.sender)) await this.#holds.get(call.sender);
    this.#answer(call);
  }

  #answer(call: MethodCall): void {
    try {
      const node = this.#nodes.find(call.path);
      const standard = answerStandard(node, call);
      if (standard === undefined) this.#run(node, call);
      else this.#settle(call, standard);
    } catch (thrown) {
      this.#fail(call, thrown);
    }
  }

  #run(node: ObjectNode | undefined, call: MethodCall): void {
    if (!node || node.parts.length === 0) throw new Failure(ErrorName.UnknownObject, `Unknown object '${call.path}'.`);
    const part = partWith(call, node.parts);
    const method = part?.table.methods[call.member];
    if (!part || !method) throw unknownMethod(call);
    const { table, methods, about } = part;
    const { member, sender, body } = call;
    checkSignature(table, call, signatureOf(method.in));
    const args = decodeNamed(method.in, body);
    const run = () => methods[member]?.(args, call);
    const hold = (until: Promise<void>) => this.#hold(sender, until);
    const called = { table, member, args, caller: call, about: about as About | undefined, run, hold };
    this.#settle(call, this.#gate(called), method.out);
  }

  /** Replies, at once when the answer is there: what is waited for takes its time. */
  #settle(call: MethodCall, answer: unknown, out?: Arguments): void {
    if (answer instanceof Promise) void this.#finish(call, answer, out);
    else this.#reply(call, answer, out);
  }

  async #finish(call: MethodCall, answer: Promise<unknown>, out?: Arguments): Promise<void> {
    try {
      this.#reply(call, await answer, out);
    } catch (thrown) {
      this.#fail(call, thrown);
    }
  }

  /** @param out what the answer consists of; undefined when it is a Body of whatever type. */
  #reply(call: MethodCall, answer: unknown, out?: Arguments): void {
    call.reply(!out || isBody(answer, signatureOf(out)) ? (answer as Body) : encodeNamed(out, answer ?? {}));
    this.#done(call);
  }

  #fail(call: MethodCall, thrown: unknown): void {
    this.#done(call);
    call.error(asFailure(thrown));
  }

  #done({ sender }: MethodCall): void {
    this.#calls--;
    const left = (this.#callsOf.get(sender) ?? 1) - 1;
    if (left > 0) this.#callsOf.set(sender, left);
    else this.#callsOf.delete(sender);
  }

  #hold(sender: string, until: Promise<void>): void {
    const released = until.then(() => void this.#holds.delete(sender));
    this.#holds.set(sender, released);
  }
}

/** The one part that has the method which is called; undefined when none has it, or several do and the call does not say whose. */
function partWith({ interface: name, member }: MethodCall, parts: readonly Part[]): Part | undefined {
  let found: Part | undefined;
  for (const part of parts) {
    if ((name !== "" && part.table.name !== name) || !Object.hasOwn(part.table.methods, member)) continue;
    if (found) return undefined;
    found = part;
  }
  return found;
}

function checkSignature(table: Interface, { member, body }: MethodCall, expected: string): void {
  if (body.signature === expected) return;
  throw new Failure(
    ErrorName.InvalidArgs,
    `Invalid arguments '${body.signature}' to call ${table.name}.${member}(), expecting '${expected}'.`,
  );
}

function isBody(answer: unknown, signature: string): answer is Body {
  const { bytes, signature: given } = (answer ?? {}) as Partial<Body>;
  return bytes instanceof Uint8Array && given === signature;
}
