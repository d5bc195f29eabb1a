import type { Body } from "../base/body.ts";
import { asFailure, ErrorName, Failure } from "../base/failure.ts";
import type { MethodCall } from "./calls.ts";
import type { BusConnection } from "./connection.ts";
import { Emitter, LastBody } from "./emitter.ts";
import { guard } from "./guard.ts";
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
import { ObjectNode, type Part } from "./object-node.ts";
import { answerStandard, peerName, unknownMethod } from "./standard.ts";

// Bounds: calls that are being answered, maxCalls in all and maxCallsOfSender for one sender; one more is answered
// LimitsExceeded.

const maxCalls = 8192;
const maxCallsOfSender = 1024;

/** Who calls, and the arguments as they came. */
export interface Caller {
  readonly sender: string;
  readonly body: Body;
  /** Somebody may be asked for a password. */
  readonly interactive: boolean;
  /** Has something done once the answer has been sent, so that what it sends comes after it. Not done after an error. */
  afterReply(work: () => void): void;
}

/** A call whose arguments are of the right types, to an object that was served with `about`. */
export interface Called<About> {
  readonly table: Interface;
  readonly member: string;
  readonly args: Readonly<Record<string, unknown>>;
  readonly caller: Caller;
  readonly about: About | undefined;
  /** Has the caller's further calls wait, but for pings, so that they are begun in the order in which they came. */
  hold(until: Promise<void>): void;
}

/** Stands before all methods: decides whether a call is answered, by `run`, and hears how. */
export type Gate<About> = (called: Called<About>, run: () => unknown) => unknown;

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
  readonly #root = new ObjectNode();
  readonly #lastBody = new LastBody();
  readonly #callsOf = new Map<string, number>();
  /** What calls of a sender wait for. */
  readonly #holds = new Map<string, Promise<void>>();
  #calls = 0;

  /** Answers all calls that come over `connection` from now on, those of methods that `gate` lets through. */
  constructor(connection: BusConnection, gate: Gate<About> = (_called, run) => run()) {
    this.#connection = connection;
    this.#gate = gate;
    connection.onCall((call) => void this.#answer(call));
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
    this.#root.add(path, part);
    const emitters: Record<string, Emitter> = {};
    return {
      emit: (signal, args, destinations) => {
        emitters[signal] ??= this.#emitter(path, table, signal);
        emitters[signal].emit(args, destinations);
      },
      changed: (...names) => this.#changed(path, part, names),
      remove: () => this.#root.remove(path, part),
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

  async #answer(call: MethodCall): Promise<void> {
    const ofSender = this.#callsOf.get(call.sender) ?? 0;
    if (this.#calls >= maxCalls || ofSender >= maxCallsOfSender) {
      call.error(new Failure(ErrorName.LimitsExceeded, "Too many calls are being answered."));
      return;
    }
    this.#calls++;
    this.#callsOf.set(call.sender, ofSender + 1);
    const after: (() => void)[] = [];
    try {
      // Each that may go on is looked at before the next one, which it may have to wait for.
      while (this.#holds.has(call.sender) && call.interface !== peerName) await this.#holds.get(call.sender);
      call.reply(await this.#run(call, (work) => after.push(work)));
    } catch (thrown) {
      after.length = 0;
      call.error(asFailure(thrown));
    } finally {
      this.#calls--;
      const left = (this.#callsOf.get(call.sender) ?? 1) - 1;
      if (left > 0) this.#callsOf.set(call.sender, left);
      else this.#callsOf.delete(call.sender);
    }
    for (const work of after) guard(work);
  }

  #run(call: MethodCall, afterReply: Caller["afterReply"]): Body | Promise<Body> {
    const node = this.#root.find(call.path);
    const standard = answerStandard(node, call);
    if (standard !== undefined) return standard;
    if (!node || node.parts.length === 0) throw new Failure(ErrorName.UnknownObject, `Unknown object '${call.path}'.`);
    const candidates = node.parts.filter(
      ({ table }) =>
        (call.interface === "" || table.name === call.interface) && Object.hasOwn(table.methods, call.member),
    );
    const [part] = candidates;
    if (!part || candidates.length > 1) throw unknownMethod(call);
    return this.#runMethod(part, call, afterReply);
  }

  async #runMethod({ table, methods, about }: Part, call: MethodCall, afterReply: Caller["afterReply"]): Promise<Body> {
    const { member, sender, body, interactive } = call;
    const { in: input = {}, out: output = {} } = table.methods[member] ?? {};
    checkSignature(table, call, signatureOf(input));
    const args = decodeNamed(input, body);
    const caller = { sender, body, interactive, afterReply };
    const hold = (until: Promise<void>) => this.#hold(sender, until);
    const called = { table, member, args, caller, about: about as About | undefined, hold };
    const answer = await this.#gate(called, () => methods[member]?.(args, caller));
    return isBody(answer, signatureOf(output)) ? answer : encodeNamed(output, answer ?? {});
  }

  #hold(sender: string, until: Promise<void>): void {
    const released = until.then(() => void this.#holds.delete(sender));
    this.#holds.set(sender, released);
  }
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
