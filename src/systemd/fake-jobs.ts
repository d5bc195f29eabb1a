import { ErrorName, Failure } from "../base/failure.ts";
import type { FakeUnit } from "./fake-unit.ts";
import type { JobType } from "./port.ts";

export interface FakeJob {
  readonly id: number;
  readonly path: string;
  readonly unit: FakeUnit;
  /** A restart becomes a start once its unit is down. */
  type: JobType;
  state: "waiting" | "running";
  /** How it ended, once it has. */
  result?: string;
}

/** What the jobs have to know of the units, and tell about themselves. */
export interface JobsHost {
  readonly units: readonly FakeUnit[];
  load(name: string, missing?: string): FakeUnit;
  exists(name: string): boolean;
  /** Does `work` when all that happens now has happened. */
  soon(work: () => void): void;
  queued(job: FakeJob): void;
  running(job: FakeJob): void;
  removed(job: FakeJob, result: string): void;
}

const modes = [
  "fail",
  "replace",
  "replace-irreversibly",
  "isolate",
  "flush",
  "ignore-dependencies",
  "ignore-requirements",
];

/** The jobs of a fake systemd: at most one for each unit, done in the order that the units' dependencies ask for. */
export class FakeJobs {
  readonly #host: JobsHost;
  readonly #jobs = new Map<FakeUnit, FakeJob>();
  /** All that there were since the host booted, by their paths. */
  readonly #history = new Map<string, FakeJob>();

  constructor(host: JobsHost) {
    this.#host = host;
  }

  of(unit: FakeUnit): FakeJob | undefined {
    return this.#jobs.get(unit);
  }

  /** The job of this path, which may have ended. */
  everAt(path: string): FakeJob | undefined {
    return this.#history.get(path);
  }

  at(path: string): FakeJob | undefined {
    const job = this.#history.get(path);
    return job?.result === undefined ? job : undefined;
  }

  /** The host has lost power: nothing has ended, all is gone, and the next job has the first one's number. */
  vanish(): void {
    this.#jobs.clear();
    this.#history.clear();
  }

  /** Queues a job and those that it brings along. @returns its path. @throws Failure in systemd's words. */
  enqueue(type: JobType, name: string, mode: string): string {
    if (!modes.includes(mode)) throw new Failure(ErrorName.InvalidArgs, `Job mode ${mode} invalid`);
    const unit = this.#host.load(name, type === "stop" ? `Unit ${name} not loaded.` : undefined);
    if (type === "reload" && !unit.file.reloadable)
      throw new Failure(
        "org.freedesktop.systemd1.JobTypeNotApplicable",
        `Job type reload is not applicable for unit ${name}.`,
      );
    const alone = mode === "ignore-dependencies" || mode === "ignore-requirements";
    const transaction = alone ? new Map([[unit, type]]) : this.#transaction(type, unit);
    if (mode === "fail") this.#checkConflicts(transaction, `${name}/${type}`);
    for (const [other, otherType] of transaction) this.#queue(other, otherType);
    return this.of(unit)?.path ?? "/";
  }

  cancel(job: FakeJob): void {
    this.#finish(job, "canceled");
    if (job.type === "start" && job.state === "running") job.unit.stop();
  }

  /** Queues the stop of a unit that lost what it is bound to, or is needed no longer. */
  stop(unit: FakeUnit): void {
    this.#queue(unit, "stop");
  }

  /** Ends the job that a unit's new state completes, or has it go on. */
  unitChanged(unit: FakeUnit): void {
    const job = this.of(unit);
    if (job && unit.down) this.#host.soon(() => this.#runAll());
    if (job?.state !== "running") return;
    if (job.type === "restart" && unit.down) {
      job.type = "start";
      job.state = "waiting";
    } else if (job.type === "start" && unit.activeState === "active") this.#finish(job, "done");
    else if (job.type === "start" && unit.down) this.#finish(job, unit.activeState === "failed" ? "failed" : "done");
    else if (job.type === "stop" && unit.down) this.#finish(job, "done");
  }

  /** The jobs that one job needs: a start those of what it needs and wants, a stop those of what needs it. */
  #transaction(type: JobType, anchor: FakeUnit): Map<FakeUnit, JobType> {
    const transaction = new Map<FakeUnit, JobType>([[anchor, type]]);
    const start = (unit: FakeUnit): void => {
      for (const name of [...unit.needs, ...unit.wants.filter((wanted) => this.#host.exists(wanted))]) {
        const other = this.#host.load(name);
        if (transaction.has(other) || other.activeState === "active") continue;
        transaction.set(other, "start");
        start(other);
      }
    };
    const stop = (unit: FakeUnit): void => {
      for (const other of this.#host.units) {
        if (!other.needs.includes(unit.name) || transaction.has(other)) continue;
        if (other.down && !this.of(other)) continue;
        transaction.set(other, type);
        stop(other);
      }
    };
    if (type === "start" || type === "restart") start(anchor);
    if (type === "stop" || type === "restart") stop(anchor);
    return transaction;
  }

  #checkConflicts(transaction: ReadonlyMap<FakeUnit, JobType>, anchor: string): void {
    for (const [unit, type] of transaction) {
      const queued = this.of(unit);
      if (!queued || queued.type === type) continue;
      const why = `${unit.name} has '${queued.type}' job queued, but '${type}' is included in transaction`;
      throw new Failure(
        "org.freedesktop.systemd1.TransactionIsDestructive",
        `Transaction for ${anchor} is destructive (${why}).`,
      );
    }
  }

  #queue(unit: FakeUnit, type: JobType): void {
    const queued = this.of(unit);
    if (queued?.type === type) return;
    if (queued) this.#finish(queued, "canceled");
    const id = this.#history.size + 1;
    const job: FakeJob = { id, path: `/org/freedesktop/systemd1/job/${id}`, unit, type, state: "waiting" };
    this.#jobs.set(unit, job);
    this.#history.set(job.path, job);
    this.#host.queued(job);
    this.#host.soon(() => this.#runAll());
  }

  #runAll(): void {
    for (const job of [...this.#jobs.values()]) {
      if (job.state === "waiting" && this.of(job.unit) === job && this.#mayRun(job)) this.#run(job);
    }
  }

  /** Whether nothing that has to be done first is still to be done: starts go from `after` on, stops the other way. */
  #mayRun(job: FakeJob): boolean {
    if (job.type === "start" && job.unit.activeState === "deactivating") return false;
    const stops = (one: FakeJob) => one.type === "stop" || (one.type === "restart" && !one.unit.down);
    for (const other of this.#jobs.values()) {
      if (other === job) continue;
      const blocks = stops(job)
        ? stops(other) && other.unit.after.includes(job.unit.name)
        : job.unit.after.includes(other.unit.name);
      if (blocks) return false;
    }
    return true;
  }

  #run(job: FakeJob): void {
    const { unit, type } = job;
    job.state = "running";
    const idle = type === "start" ? unit.activeState === "active" : type === "stop" ? unit.down : type === "reload";
    if (idle) {
      this.#finish(job, "done");
      return;
    }
    this.#host.running(job);
    if (type === "restart" && unit.down) job.type = "start";
    if (job.type !== "start") unit.stop();
    else if (unit.down && this.#lacks(unit)) this.#finish(job, "dependency");
    else if (unit.down) unit.start();
  }

  /** Whether a unit cannot start because one that it is bound to, and comes after, is not active. */
  #lacks({ bindsTo, after }: FakeUnit): boolean {
    const active = (name: string) => this.#host.load(name).activeState === "active";
    return bindsTo.some((name) => after.includes(name) && !active(name));
  }

  #finish(job: FakeJob, result: string): void {
    this.#jobs.delete(job.unit);
    job.result = result;
    this.#host.removed(job, result);
    if (job.type === "start" && result !== "done") {
      for (const other of [...this.#jobs.values()])
        if (other.type === "start" && other.state === "waiting" && other.unit.needs.includes(job.unit.name))
          this.#finish(other, "dependency");
    }
    this.#host.soon(() => this.#runAll());
  }
}
