// Who does a job on a node, and knows when it has ended: bluechi's controller, and systemd itself.
import { controllerInterface } from "../../src/api/controller.ts";
import { controllerName, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { client } from "../../src/bus/client.ts";
import type { BusConnection } from "../../src/bus/connection.ts";
import { defineInterface } from "../../src/bus/interface.ts";

const methods = { start: "StartUnit", stop: "StopUnit" } as const;

export interface Jobs {
  /** Does a job, from the call until it is told that it has ended. @throws Error when its result is not done. */
  run(type: keyof typeof methods, unit: string): Promise<void>;
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
  async of(ask: Promise<string>): Promise<void> {
    this.#asking++;
    const path = await ask;
    const early = this.#early.get(path);
    if (--this.#asking === 0) this.#early.clear();
    const result = early ?? (await new Promise<string>((resolve) => this.#waiting.set(path, resolve)));
    if (result !== "done") throw new Error(`the job ended as ${result}`);
  }
}

/** Jobs on a node by the controller's API. */
export async function bluechiJobs(connection: BusConnection, node: string): Promise<Jobs> {
  const ends = new Ends();
  const controller = client(connection, controllerName, rootPath, controllerInterface);
  controller.onSignal("JobRemoved", ({ job, result }) => ends.ended(job, result));
  await controller.match();
  const api = client(connection, controllerName, nodePath(node), nodeInterface);
  return {
    run(type, name) {
      const asked = api.call(methods[type], { name, mode: "replace" });
      return ends.of(asked.then(({ job }) => job));
    },
  };
}

const systemdTable = defineInterface({
  name: "org.freedesktop.systemd1.Manager",
  methods: {
    Subscribe: { in: {}, out: {} },
    StartUnit: { in: { name: "s", mode: "s" }, out: { job: "o" } },
    StopUnit: { in: { name: "s", mode: "s" }, out: { job: "o" } },
  },
  signals: { JobRemoved: { args: { id: "u", job: "o", unit: "s", result: "s" } } },
  properties: {},
});

/** Jobs by systemd's own API, with a client that hears of nothing but jobs, as the one above. */
export async function systemdJobs(connection: BusConnection): Promise<Jobs> {
  const ends = new Ends();
  const manager = client(connection, "org.freedesktop.systemd1", "/org/freedesktop/systemd1", systemdTable);
  manager.onSignal("JobRemoved", ({ job, result }) => ends.ended(job, result));
  await manager.match();
  await manager.call("Subscribe", {});
  return {
    run(type, name) {
      const asked = manager.call(methods[type], { name, mode: "replace" });
      return ends.of(asked.then(({ job }) => job));
    },
  };
}
