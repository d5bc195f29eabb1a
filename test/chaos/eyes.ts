// What a program on the controller's host and one on each host's bus see, over all the buses and controllers that come
// and go: jobs with their ends, units with their states, and what systemd itself says about its jobs.
import { setTimeout as pause } from "node:timers/promises";
import { controllerName, rootPath } from "../../src/api/names.ts";
import type { Signal } from "../../src/bus/calls.ts";
import { followOwner } from "../../src/bus/driver.ts";
import { decodeBody } from "../../src/bus/unmarshal.ts";
import { Program } from "../e2e/program.ts";
import type { Host } from "../testbed/host.ts";

const retryMs = 100;

/** A program on a host's bus that connects again as often as the bus goes. */
abstract class Resident {
  readonly host: Host;
  #program: Program | undefined;
  #closed = false;
  #done: Promise<void>;

  constructor(host: Host) {
    this.host = host;
    this.#done = this.#live();
  }

  /** The program while there is a bus. */
  get program(): Program | undefined {
    return this.#program;
  }

  /** Begins on a new connection, which nothing has been asked of. @throws when the bus goes meanwhile. */
  protected abstract settle(program: Program): Promise<void>;

  protected abstract gone(): void;

  async close(): Promise<void> {
    this.#closed = true;
    this.#program?.close();
    await this.#done;
  }

  async #live(): Promise<void> {
    while (!this.#closed) {
      const ended = Promise.withResolvers<string>();
      let program: Program | undefined;
      try {
        if (!this.host.isOn) throw new Error("the host is off");
        program = await Program.on(this.host);
        program.bus.onClose(ended.resolve);
        await this.settle(program);
        this.#program = program;
        await ended.promise;
      } catch {
        program?.close();
        await pause(retryMs);
      }
      this.#program = undefined;
      this.gone();
    }
  }
}

export interface SeenJob {
  /** "" until it has ended. */
  node: string;
  unit: string;
  readonly bornMs: number;
  /** The controller that has it, by its unique name on the bus, and which of our connections heard of it. */
  readonly controller: string;
  readonly connection: number;
  readonly ends: { readonly result: string; readonly atMs: number }[];
}

/** Sees what the controller tells. */
export class ControllerEyes extends Resident {
  /** All jobs that were announced, by connection, controller and number. */
  readonly jobs = new Map<string, SeenJob>();
  /** What should not have been told. */
  readonly mistakes: string[] = [];
  /** The states of units, by node and unit, as the monitor tells them. */
  readonly picture = new Map<string, string>();
  readonly #units: readonly string[];
  #connection = 0;
  #controller = "";
  #monitor = "";

  constructor(host: Host, units: readonly string[]) {
    super(host);
    this.#units = units;
  }

  /** Whether the controller that has a job is still there, and was seen all the time since. */
  stillSees({ controller, connection }: SeenJob): boolean {
    return this.program !== undefined && connection === this.#connection && controller === this.#controller;
  }

  /** Whether there is a monitor. */
  get watches(): boolean {
    return this.#monitor !== "";
  }

  protected async settle(program: Program): Promise<void> {
    const { bus } = program;
    this.#connection++;
    bus.onSignal((signal) => this.#hear(signal));
    await bus.addMatch({ type: "signal", sender: controllerName, path: rootPath });
    await followOwner(bus, controllerName, (owner) => this.#meet(owner, program));
  }

  protected gone(): void {
    this.#controller = "";
    this.#monitor = "";
    this.picture.clear();
  }

  /** There is a controller: what it has to tell of units is asked for. */
  #meet(owner: string, program: Program): void {
    if (owner === this.#controller) return;
    this.gone();
    this.#controller = owner;
    if (owner === "") return;
    const watch = async () => {
      const { path, monitor } = await program.monitor();
      if (this.#controller !== owner) return;
      this.#monitor = path;
      await monitor.call("SubscribeList", { node: "*", units: [...this.#units] });
    };
    // A controller that goes, or hangs for long, is met again, or has a successor that is.
    watch().catch(() => {
      if (this.#controller === owner && this.#monitor === "") {
        this.#controller = "";
        setTimeout(() => this.program === program && this.#meet(owner, program), retryMs);
      }
    });
  }

  #hear({ path, member, sender, body }: Signal): void {
    const values = () => decodeBody(body) as string[];
    if (path === rootPath) this.#hearJob(member, sender, body);
    if (path !== this.#monitor || sender !== this.#controller) return;
    const [node, unit, state = ""] = values();
    if (member === "UnitNew") this.picture.set(`${node} ${unit}`, "inactive");
    if (member === "UnitStateChanged") this.picture.set(`${node} ${unit}`, state);
    if (member === "UnitRemoved") this.picture.delete(`${node} ${unit}`);
  }

  #hearJob(member: string, sender: string, body: Signal["body"]): void {
    if (member !== "JobNew" && member !== "JobRemoved") return;
    const [id, , node = "", unit = "", result = ""] = decodeBody(body) as [number, string, string?, string?, string?];
    const key = `${this.#connection} ${sender} ${id}`;
    const known = this.jobs.get(key);
    if (member === "JobNew") {
      if (known) this.mistakes.push(`job ${id} was announced twice`);
      const [bornMs, connection] = [performance.now(), this.#connection];
      this.jobs.set(key, { node: "", unit: "", bornMs, controller: sender, connection, ends: [] });
    } else if (known) {
      Object.assign(known, { node, unit });
      known.ends.push({ result, atMs: performance.now() });
    }
  }
}

interface SystemdEnd {
  readonly unit: string;
  readonly result: string;
  readonly atMs: number;
}

/** Sees how systemd's jobs on a host end. */
export class SystemdEyes extends Resident {
  readonly ends: SystemdEnd[] = [];
  /** When it began to see what is to be seen, and when that was over. */
  readonly #seeing: { readonly fromMs: number; toMs: number }[] = [];

  /** Whether nothing escaped it in a time. */
  sawAll(fromMs: number, toMs: number): boolean {
    return this.#seeing.some((span) => span.fromMs <= fromMs && span.toMs >= toMs);
  }

  protected async settle({ bus }: Program): Promise<void> {
    const systemd = { destination: "org.freedesktop.systemd1", path: "/org/freedesktop/systemd1" };
    const manager = { ...systemd, interface: "org.freedesktop.systemd1.Manager" };
    const subscribe = async () => {
      await bus.call({ ...manager, member: "Subscribe" });
      this.#seeing.push({ fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY });
    };
    bus.onSignal(({ interface: name, member, body }) => {
      if (member === "NameOwnerChanged") {
        // When it is executed again systemd leaves the bus, and what it has said last may be lost.
        this.gone();
        const [, , owner] = decodeBody(body) as string[];
        if (owner !== "") subscribe().catch(() => undefined);
      }
      if (name !== manager.interface || member !== "JobRemoved") return;
      const [, , unit, result] = decodeBody(body) as [number, string, string, string];
      this.ends.push({ unit, result, atMs: performance.now() });
    });
    const owned = { member: "NameOwnerChanged", arg0: systemd.destination };
    await bus.addMatch({ type: "signal", sender: "org.freedesktop.DBus", ...owned });
    await bus.addMatch({ type: "signal", interface: manager.interface, member: "JobRemoved" });
    await subscribe();
  }

  protected gone(): void {
    const last = this.#seeing.at(-1);
    if (last) last.toMs = Math.min(last.toMs, performance.now());
  }
}
