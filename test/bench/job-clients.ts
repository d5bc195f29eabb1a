// Who does a job on a node, and knows when it has ended: bluechi's controller, and systemd itself.
import { controllerInterface } from "../../src/api/controller.ts";
import { controllerName, nodePath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import type { Call } from "../../src/bus/calls.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { decodeBody, decodeFirst } from "../../src/bus/unmarshal.ts";
import { bodyOf, type Caller, prepare } from "./caller.ts";

const methods = { start: "StartUnit", stop: "StopUnit" } as const;
type Type = keyof typeof methods;

export interface Jobs {
  /** Does a job, from the call until it is told that it has ended. @throws Error when its result is not done. */
  run(type: Type, unit: string): Promise<void>;
}

/** Where jobs are asked for, and the signature of JobRemoved there: a number, the path, and at its end the result. */
interface Place {
  readonly call: Omit<Call, "member" | "body">;
  readonly signature: string;
}

/** Waits for the ends of jobs, which may be told before the answer with the job's path. */
class Ends {
  readonly #waiting = new Map<string, (result: string) => void>();
  readonly #early = new Map<string, string>();
  #asking = 0;

  ended(path: string, result: string): void {
    const waiter = this.#waiting.get(path);
    this.#waiting.delete(path);
    if (waiter) waiter(result);
    else if (this.#asking > 0) this.#early.set(path, result);
  }

  /** @param ask asks for a job and returns its path. */
  async of(ask: Promise<string>): Promise<string> {
    this.#asking++;
    const path = await ask;
    const early = this.#early.get(path);
    if (--this.#asking === 0) this.#early.clear();
    return early ?? new Promise((resolve) => this.#waiting.set(path, resolve));
  }
}

class JobCaller implements Jobs {
  readonly #caller: Caller;
  readonly #place: Place;
  readonly #messages = new Map<string, Uint8Array>();
  readonly #ends = new Ends();

  constructor(caller: Caller, place: Place) {
    this.#caller = caller;
    this.#place = place;
    const told = Buffer.from("JobRemoved");
    caller.onSignal = (message) => {
      if (!message.includes(told)) return;
      const values = decodeBody(bodyOf(message, place.signature));
      this.#ends.ended(String(values[1]), String(values.at(-1)));
    };
  }

  async run(type: Type, unit: string): Promise<void> {
    const asked = this.#caller.call(this.#message(type, unit));
    const result = await this.#ends.of(asked.then((reply) => String(decodeFirst(bodyOf(reply, "o")))));
    if (result !== "done") throw new Error(`the job of ${unit} ended as ${result}`);
  }

  #message(type: Type, unit: string): Uint8Array {
    const key = `${type} ${unit}`;
    let message = this.#messages.get(key);
    if (message) return message;
    const body = encodeBody("ss", [unit, "replace"]);
    message = prepare({ ...this.#place.call, member: methods[type], body });
    this.#messages.set(key, message);
    return message;
  }
}

/** Jobs on a node by the controller's API. */
export async function bluechiJobs(caller: Caller, node: string): Promise<Jobs> {
  await caller.match(`type='signal',interface='${controllerInterface.name}',member='JobRemoved'`);
  const call = { destination: controllerName, path: nodePath(node), interface: nodeInterface.name };
  return new JobCaller(caller, { call, signature: "uosss" });
}

/** Where systemd's manager is, on its own socket and on a bus. */
export const systemdManager = {
  destination: "org.freedesktop.systemd1",
  path: "/org/freedesktop/systemd1",
  interface: "org.freedesktop.systemd1.Manager",
};

const systemdPlace: Place = { call: systemdManager, signature: "uoss" };

/** Jobs by systemd's own API, on a connection to systemd itself, which hears of all that happens there. */
export function systemdJobs(caller: Caller): Jobs {
  return new JobCaller(caller, systemdPlace);
}

/**
 * The same on a bus, for when nobody else shall be told anything: who asks for a job is told of its end. systemd asks its
 * bus for a signal for every job that is going on, of which a bus allows 512, and is slower so.
 */
export async function systemdJobsOnBus(caller: Caller): Promise<Jobs> {
  await caller.match(`type='signal',interface='${systemdManager.interface}',member='JobRemoved'`);
  return new JobCaller(caller, systemdPlace);
}
