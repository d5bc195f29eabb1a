import type { Body } from "../base/body.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { encodeBody } from "../bus/marshal.ts";
import type { FakeSystemd } from "./fake.ts";
import { callFakeManager } from "./fake-manager.ts";
import { propertiesBody, unitProperties } from "./fake-properties.ts";
import { type JobType, type Systemd, type SystemdListener, unloaded } from "./port.ts";

/** A connection to a fake systemd. */
export class FakeConnection implements Systemd {
  listener: SystemdListener | undefined;
  readonly #fake: FakeSystemd;
  readonly #leave: () => void;
  #open = true;

  constructor(fake: FakeSystemd, leave: () => void) {
    this.#fake = fake;
    this.#leave = leave;
  }

  /** Loses the connection. */
  cut(reason: string): void {
    this.#end();
    this.listener?.lost(reason);
  }

  listen(listener: SystemdListener): void {
    this.listener = listener;
  }

  callManager(method: string, args: Body): Promise<Body> {
    return this.#answer((fake) => callFakeManager(fake, method, args));
  }

  startJob(type: JobType, unit: string, mode: string): Promise<string> {
    return this.#answer((fake) => fake.jobs.enqueue(type, unit, mode));
  }

  cancelJob(path: string): Promise<void> {
    return this.#answer((fake) => {
      const job = fake.jobs.at(path);
      if (!job) throw new Failure(ErrorName.UnknownObject, `Unknown object '${path}'.`);
      fake.jobs.cancel(job);
    });
  }

  findJob(path: string): ReturnType<Systemd["findJob"]> {
    return this.#answer((fake) => {
      const job = fake.jobs.at(path);
      return job && { unit: job.unit.name, running: job.state === "running" };
    });
  }

  unitProperties(unit: string, interfaceName: string): Promise<Body> {
    return this.#answer((fake) => propertiesBody(unitProperties(fake.facts(fake.load(unit)), interfaceName)));
  }

  unitProperty(unit: string, interfaceName: string, property: string): Promise<Body> {
    return this.#answer((fake) => {
      const value = unitProperties(fake.facts(fake.load(unit)), interfaceName).get(property);
      if (value) return encodeBody("v", [value]);
      throw new Failure(ErrorName.UnknownProperty, `Unknown interface ${interfaceName} or property ${property}.`);
    });
  }

  unitState(unit: string): ReturnType<Systemd["unitState"]> {
    return this.#answer((fake) => {
      const { activeState, subState } = fake.loaded(unit) ?? unloaded;
      return { loaded: fake.loaded(unit) !== undefined, activeState, subState };
    });
  }

  listUnits(...patterns: string[]): ReturnType<Systemd["listUnits"]> {
    const globs = patterns.map((pattern) => new Bun.Glob(pattern));
    return this.#answer((fake) =>
      fake.units
        .filter(({ name }) => globs.some((glob) => glob.match(name)))
        .map(({ name, activeState, subState }) => ({ unit: name, activeState, subState })),
    );
  }

  stopJob(): ReturnType<Systemd["stopJob"]> {
    return this.#answer(() => undefined);
  }

  close(): void {
    this.#end();
  }

  #end(): void {
    this.#open = false;
    this.#leave();
  }

  async #answer<T>(work: (fake: FakeSystemd) => T): Promise<T> {
    if (!this.#open) throw new Failure(ErrorName.Disconnected, "the connection to the bus is closed");
    return work(this.#fake);
  }
}
