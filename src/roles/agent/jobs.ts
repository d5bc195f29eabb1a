import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { type JobType, jobMethods, type Systemd } from "../../systemd/port.ts";

/** Who waits for a job of systemd. */
interface Waiter {
  running(): void;
  removed(result: string): void;
}

/** What is known of a job of systemd, and who waits for it: several may, as systemd merges equal ones. */
interface Job {
  running: boolean;
  readonly waiters: Waiter[];
}

/** Who asked for a job, and is told of it. */
export interface JobsListener {
  jobStateChanged(jobId: number, state: string): void;
  jobRemoved(jobId: number, result: string): void;
  jobMeasured(unit: string, method: string, microseconds: bigint): void;
}

/** The jobs that run in systemd for the controller, by systemd's own object paths. */
export class Jobs {
  readonly #systemd: Pick<Systemd, "startJob" | "cancelJob">;
  readonly #clock: Clock;
  readonly #jobs = new Map<string, Job>();
  readonly #paths = new Map<number, string>();
  /** What was told of jobs while systemd's answer with their path was on its way: that they run, or their result. */
  readonly #early = new Map<string, { running: boolean; result: string | undefined }>();
  #starting = 0;

  constructor(systemd: Pick<Systemd, "startJob" | "cancelJob">, clock: Clock) {
    this.#systemd = systemd;
    this.#clock = clock;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Starts a job that a controller has numbered; what becomes of it is told to `asker`. @throws Failure as systemd refuses. */
  async start(jobId: number, type: JobType, unit: string, mode: string, asker: JobsListener): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    let ended = false;
    let path: string | undefined;
    path = await this.#queue(type, unit, mode, {
      running: () => asker.jobStateChanged(jobId, "running"),
      removed: (result) => {
        ended = true;
        // By then the number may be that of another controller's job.
        if (path !== undefined && this.#paths.get(jobId) === path) this.#paths.delete(jobId);
        const microseconds = BigInt(Math.round((this.#clock.monotonicMs() - startedMs) * 1000));
        asker.jobMeasured(unit, jobMethods[type], microseconds);
        asker.jobRemoved(jobId, result);
      },
    });
    if (!ended) this.#paths.set(jobId, path);
  }

  /** Runs a job to its end. @returns systemd's result. @throws Failure as systemd refuses. */
  run(type: JobType, unit: string, mode: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#queue(type, unit, mode, { running: () => {}, removed: resolve }).catch(reject);
    });
  }

  /** @throws Failure when the controller has no such job. */
  async cancel(jobId: number): Promise<void> {
    const path = this.#paths.get(jobId);
    if (path === undefined) throw new Failure(ErrorName.Failed, `No job with ID '${jobId}' found`);
    await this.#systemd.cancelJob(path);
  }

  /** Forgets the numbers of a controller that is gone. Its jobs go on. */
  clear(): void {
    this.#paths.clear();
  }

  jobStateChanged(path: string, state: string): void {
    if (state !== "running") return;
    const job = this.#jobs.get(path);
    if (this.#starting > 0) this.#early.set(path, { running: true, result: undefined });
    if (!job || job.running) return;
    job.running = true;
    for (const waiter of job.waiters) waiter.running();
  }

  jobRemoved(path: string, result: string): void {
    const job = this.#jobs.get(path);
    this.#jobs.delete(path);
    if (this.#starting > 0) this.#early.set(path, { running: this.#early.get(path)?.running ?? false, result });
    for (const waiter of job?.waiters ?? []) waiter.removed(result);
  }

  /** Ends all that is waited for: systemd, who alone knows, is out of reach. */
  lost(): void {
    const all = [...this.#jobs.values()].flatMap(({ waiters }) => waiters);
    this.#jobs.clear();
    this.#early.clear();
    for (const waiter of all) waiter.removed("failed");
  }

  async #queue(type: JobType, unit: string, mode: string, waiter: Waiter): Promise<string> {
    this.#starting++;
    try {
      const path = await this.#systemd.startJob(type, unit, mode);
      const early = this.#early.get(path);
      if (early?.result === undefined) this.#wait(path, early?.running ?? false, waiter);
      else {
        if (early.running) waiter.running();
        waiter.removed(early.result);
      }
      return path;
    } finally {
      if (--this.#starting === 0) this.#early.clear();
    }
  }

  #wait(path: string, running: boolean, waiter: Waiter): void {
    const job = this.#jobs.get(path) ?? { running, waiters: [] };
    this.#jobs.set(path, job);
    job.waiters.push(waiter);
    if (job.running) waiter.running();
  }
}
