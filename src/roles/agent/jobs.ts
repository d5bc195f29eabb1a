import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import { type JobType, jobMethods, type Systemd } from "../../systemd/port.ts";

/** Who waits for a job of systemd. */
interface Waiter {
  running(): void;
  removed(result: string): void;
}

/** What is told of the controller's jobs. */
export interface JobsListener {
  jobStateChanged(jobId: number, state: string): void;
  jobRemoved(jobId: number, result: string): void;
  jobMeasured(unit: string, method: string, microseconds: bigint): void;
}

/** The jobs that run in systemd for the controller, by systemd's own object paths. */
export class Jobs {
  readonly #systemd: Pick<Systemd, "startJob" | "cancelJob">;
  readonly #clock: Clock;
  readonly #listener: JobsListener;
  /** Several may wait for one job: systemd merges equal ones. */
  readonly #waiters = new Map<string, Waiter[]>();
  readonly #paths = new Map<number, string>();
  /** The results of jobs that ended while systemd's answer with their path was on its way. */
  readonly #early = new Map<string, string>();
  #starting = 0;

  constructor(systemd: Pick<Systemd, "startJob" | "cancelJob">, clock: Clock, listener: JobsListener) {
    this.#systemd = systemd;
    this.#clock = clock;
    this.#listener = listener;
  }

  get size(): number {
    return this.#waiters.size;
  }

  /** Starts a job of the controller; its end is told to the listener. @throws Failure as systemd refuses. */
  async start(jobId: number, type: JobType, unit: string, mode: string): Promise<void> {
    const startedMs = this.#clock.monotonicMs();
    const path = await this.#queue(type, unit, mode, {
      running: () => this.#listener.jobStateChanged(jobId, "running"),
      removed: (result) => {
        this.#paths.delete(jobId);
        const microseconds = BigInt(Math.round((this.#clock.monotonicMs() - startedMs) * 1000));
        this.#listener.jobMeasured(unit, jobMethods[type], microseconds);
        this.#listener.jobRemoved(jobId, result);
      },
    });
    if (this.#waiters.has(path)) this.#paths.set(jobId, path);
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

  jobStateChanged(path: string, state: string): void {
    if (state === "running") for (const waiter of this.#waiters.get(path) ?? []) waiter.running();
  }

  jobRemoved(path: string, result: string): void {
    const waiters = this.#waiters.get(path);
    this.#waiters.delete(path);
    if (waiters) for (const waiter of waiters) waiter.removed(result);
    if (this.#starting > 0) this.#early.set(path, result);
  }

  /** Ends all that is waited for: systemd, who alone knows, is out of reach. */
  lost(): void {
    const all = [...this.#waiters.values()].flat();
    this.#waiters.clear();
    this.#early.clear();
    for (const waiter of all) waiter.removed("failed");
  }

  async #queue(type: JobType, unit: string, mode: string, waiter: Waiter): Promise<string> {
    this.#starting++;
    try {
      const path = await this.#systemd.startJob(type, unit, mode);
      const result = this.#early.get(path);
      if (result === undefined) this.#waiters.set(path, [...(this.#waiters.get(path) ?? []), waiter]);
      else waiter.removed(result);
      return path;
    } finally {
      if (--this.#starting === 0) this.#early.clear();
    }
  }
}
