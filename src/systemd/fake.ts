import type { Clock } from "../base/clock.ts";
import { ErrorName, Failure } from "../base/failure.ts";
import { isUnitName } from "../base/names.ts";
import { FakeConnection } from "./fake-connection.ts";
import { type FakeJob, FakeJobs } from "./fake-jobs.ts";
import { type Facts, propertiesBody, unitProperties } from "./fake-properties.ts";
import { FakeUnit, type UnitFile } from "./fake-unit.ts";
import { noSuchUnit } from "./manager-interface.ts";
import type { Systemd, SystemdListener } from "./port.ts";
import { statesOf } from "./properties.ts";

/**
 * systemd in memory, for tests: units with dependencies, jobs in order, states and timestamps by a clock, loading and
 * unloading. What it tells, and in which order, is what systemd 252 was seen to tell. All that takes place after a call
 * takes place when the clock is turned, be it by 0 ms.
 */
export class FakeSystemd {
  readonly jobs: FakeJobs;
  /** The names of the unit files that are enabled. */
  readonly enabled = new Set<string>();
  defaultTarget = "multi-user.target";
  readonly #clock: Clock;
  readonly #files = new Map<string, UnitFile>();
  readonly #units = new Map<string, FakeUnit>();
  readonly #connections = new Set<FakeConnection>();
  readonly #soon = new Set<string>();
  /** When it takes connections again, in ms of the clock. */
  #backMs = 0;

  constructor(clock: Clock, files: readonly UnitFile[] = []) {
    this.#clock = clock;
    for (const file of files) this.define(file);
    const told = (job: FakeJob) => this.#tell((listener) => listener.jobStateChanged(job.path, job.state));
    const fake = this;
    this.jobs = new FakeJobs({
      get units() {
        return fake.units;
      },
      load: (name, missing) => this.load(name, missing),
      exists: (name) => this.fileOf(name) !== undefined,
      soon: (work) => this.#once("jobs", work),
      queued: ({ unit }) => this.tellProperties(unit),
      running: told,
      removed: (job, result) => {
        this.#tell((listener) => listener.jobRemoved(job.path, job.unit.name, result));
        this.tellProperties(job.unit);
        this.#once("sweep", () => this.#sweep());
      },
    });
  }

  /** Adds a unit file, or replaces one for when its unit is loaded next. */
  define(file: UnitFile): void {
    this.#files.set(file.name, file);
  }

  /** Whether anybody is connected. */
  get connected(): boolean {
    return this.#connections.size > 0;
  }

  /** For how much longer it takes no connections. */
  get awayMs(): number {
    return Math.max(0, this.#backMs - this.#clock.monotonicMs());
  }

  /** Somebody is told of what happens from now on, until they close what they get. @throws Failure while it is away. */
  connect(): Systemd {
    if (this.awayMs > 0) throw new Failure(ErrorName.Disconnected, "Connection refused");
    const connection = new FakeConnection(this, () => this.#connections.delete(connection));
    this.#connections.add(connection);
    return connection;
  }

  /** Cuts all connections, as a daemon-reexec does, and takes none for a while; units and jobs stay. */
  disconnect(reason = "the other side closed the connection", awayMs = 0): void {
    this.#backMs = this.#clock.monotonicMs() + awayMs;
    for (const connection of [...this.#connections]) connection.cut(reason);
  }

  /** The host loses power: units and jobs are gone, files stay. */
  powerLoss(): void {
    this.disconnect("power loss");
    for (const unit of this.units) unit.vanish();
    this.#units.clear();
    this.jobs.vanish();
  }

  get files(): readonly UnitFile[] {
    return [...this.#files.values()];
  }

  get units(): readonly FakeUnit[] {
    return [...this.#units.values()];
  }

  /** A unit that is in memory; its end() and fail() are its main process ending by itself. */
  loaded(name: string): FakeUnit | undefined {
    return this.#units.get(name);
  }

  /** A unit, loaded if it was not, with all that it names. @throws Failure NoSuchUnit as systemd words it. */
  load(name: string, missing = `Unit ${name} not found.`): FakeUnit {
    const known = this.#units.get(name);
    if (known) return known;
    if (!isUnitName(name)) throw new Failure(ErrorName.InvalidArgs, `Unit name ${name} is not valid.`);
    const file = this.fileOf(name);
    this.#tell((listener) => listener.unitNew(name));
    if (!file) {
      // systemd makes a unit for the name before it looks for a file.
      this.#tell((listener) => listener.unitRemoved(name));
      throw new Failure(noSuchUnit, missing);
    }
    const unit = new FakeUnit(name, file, this.#clock, () => this.#changed(unit));
    this.#units.set(name, unit);
    for (const other of named(unit)) if (this.fileOf(other)) this.load(other);
    this.#once("sweep", () => this.#sweep());
    return unit;
  }

  /** The file of a unit, for an instance that of its template. */
  fileOf(name: string): UnitFile | undefined {
    return this.#files.get(name) ?? this.#files.get(name.replace(/@.+(\.[a-z]+)$/, "@$1"));
  }

  facts(unit: FakeUnit): Facts {
    const unitFileState = this.enabled.has(unit.file.name) ? "enabled" : "disabled";
    return { unit, job: this.jobs.of(unit), unitFileState };
  }

  /** Tells a unit's present properties, interface by interface as systemd does. */
  tellProperties(unit: FakeUnit): void {
    if (![...this.#connections].some(({ listener }) => listener?.listensTo(unit.name))) return;
    for (const name of unit.kind === "target" ? ["Unit"] : ["Service", "Unit"]) {
      const interfaceName = `org.freedesktop.systemd1.${name}`;
      const body = propertiesBody(unitProperties(this.facts(unit), interfaceName));
      const state = name === "Unit" ? statesOf(body) : {};
      this.#tell((listener) => {
        if (listener.listensTo(unit.name)) listener.unitPropertiesChanged(unit.name, interfaceName, body, state);
      });
    }
  }

  #tell(say: (listener: SystemdListener) => void): void {
    for (const { listener } of [...this.#connections]) if (listener) say(listener);
  }

  #changed(unit: FakeUnit): void {
    this.tellProperties(unit);
    this.jobs.unitChanged(unit);
    if (unit.down) {
      for (const other of this.units)
        if (!other.down && other.bindsTo.includes(unit.name) && this.jobs.of(unit)?.type !== "start")
          this.jobs.stop(other);
    }
    this.#once("sweep", () => this.#sweep());
  }

  /** Stops what is needed no longer, and unloads what nothing refers to. */
  #sweep(): void {
    for (const unit of this.units)
      if (unit.file.stopWhenUnneeded && !unit.down && !this.#needed(unit)) this.jobs.stop(unit);
    const kept = new Set<string>();
    const keep = (unit: FakeUnit): void => {
      if (kept.has(unit.name)) return;
      kept.add(unit.name);
      for (const name of named(unit)) {
        const other = this.#units.get(name);
        if (other) keep(other);
      }
    };
    for (const unit of this.units) if (unit.activeState !== "inactive" || this.jobs.of(unit)) keep(unit);
    for (const { name } of this.units) {
      if (kept.has(name)) continue;
      this.#units.delete(name);
      this.#tell((listener) => listener.unitRemoved(name));
    }
  }

  #needed(unit: FakeUnit): boolean {
    if (this.jobs.of(unit)) return true;
    return this.units.some((other) => {
      const starts = this.jobs.of(other)?.type;
      const wanted = !other.down || starts === "start" || starts === "restart";
      return wanted && [...other.needs, ...other.wants].includes(unit.name);
    });
  }

  /** Does something once when the clock turns, however often it is asked for before. */
  #once(what: string, work: () => void): void {
    if (this.#soon.has(what)) return;
    this.#soon.add(what);
    this.#clock.after(0, () => {
      this.#soon.delete(what);
      work();
    });
  }
}

function named(unit: FakeUnit): string[] {
  return [...unit.needs, ...unit.wants, ...unit.after];
}
