import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import type { Need } from "../../systemd/demand.ts";
import { type JobType, jobMethods, type Systemd } from "../../systemd/port.ts";
import type { ReplyOf } from "../../wire/messages.ts";

/** Jobs of the controller at once, with those whose end it has not confirmed yet; more are refused. */
const maxNumbered = 65_536;

/** Who waits for a job of systemd. */
interface Waiter {
  running(): void;
  removed(result: string): void;
  /** systemd, who alone knows, is out of reach. */
  lost(): void;
}

/** What is known of a job of systemd, and who waits for it: several may, as systemd merges equal ones. */
interface Job {
  running: boolean;
  readonly waiters: Waiter[];
}

/** A job that the controller has numbered. It is kept, with its result, until the controller has confirmed that. */
interface Numbered {
  readonly type: JobType;
  readonly unit: string;
  readonly startedMonotonicUs: bigint;
  /** systemd's object path; undefined until systemd has answered. */
  path: string | undefined;
  running: boolean;
  result: string | undefined;
}

/** What it takes to find a job again; the controller keeps it. */
export type Ticket = ReplyOf<"startJob">;

/** The controller that asks for jobs, and is told of them. */
export interface JobsListener {
  jobStateChanged(jobId: number, state: string): void;
  jobRemoved(jobId: number, result: string): void;
  jobMeasured(unit: string, method: string, microseconds: bigint): void;
}

/** The jobs that run in systemd for the controller, by systemd's own object paths. */
export class Jobs {
  readonly #systemd: Pick<Systemd, "startJob" | "cancelJob" | "findJob">;
  readonly #clock: Clock;
  readonly #boot: bigint;
  readonly #need: Need;
  readonly #jobs = new Map<string, Job>();
  readonly #numbered = new Map<number, Numbered>();
  /** What was told of jobs while systemd's answer with their path was on its way: that they run, or their result. */
  readonly #early = new Map<string, { running: boolean; result: string | undefined }>();
  /** Whose numbers they are: that of one run of one controller. */
  #controller: bigint | undefined;
  #listener: JobsListener | undefined;
  #asking = 0;

  /**
   * @param boot what tells this boot of the host from others: a job ends with the boot that it was started in.
   * @param need is told whether the end of any job is waited for.
   */
  constructor(systemd: Pick<Systemd, "startJob" | "cancelJob" | "findJob">, clock: Clock, boot: bigint, need: Need) {
    this.#systemd = systemd;
    this.#clock = clock;
    this.#boot = boot;
    this.#need = need;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** Jobs that the controller has numbered and whose result it has not confirmed. */
  get unconfirmed(): number {
    return this.#numbered.size;
  }

  /**
   * A controller has connected. When it is the one that was connected before, it is told again what it may have missed;
   * the numbers of another one mean nothing to it. Jobs go on in either case.
   */
  resume(controller: bigint, listener: JobsListener): void {
    if (controller !== this.#controller) this.#numbered.clear();
    this.#controller = controller;
    this.#listener = listener;
    for (const [id, { running, result }] of this.#numbered) {
      if (result !== undefined) listener.jobRemoved(id, result);
      else if (running) listener.jobStateChanged(id, "running");
    }
  }

  /** The controller is gone. What becomes of its jobs is kept for its return. */
  offline(): void {
    this.#listener = undefined;
  }

  /** The controller has taken note of a job's end. */
  forget(jobId: number): void {
    if (this.#numbered.get(jobId)?.result !== undefined) this.#numbered.delete(jobId);
  }

  /**
   * Starts a job that the controller has numbered.
   * @returns what it takes to find the job again.
   * @throws Failure as systemd refuses; LimitsExceeded.
   */
  async start(jobId: number, type: JobType, unit: string, mode: string): Promise<Ticket> {
    if (this.#numbered.size >= maxNumbered) throw new Failure(ErrorName.LimitsExceeded, "Too many jobs are pending");
    const startedMonotonicUs = this.#clock.monotonicUs();
    const numbered: Numbered = { type, unit, startedMonotonicUs, path: undefined, running: false, result: undefined };
    this.#numbered.set(jobId, numbered);
    try {
      const job = await this.#queue(type, unit, mode, this.#waiter(jobId, numbered));
      numbered.path = job;
      return { job, startedMonotonicUs, boot: this.#boot };
    } catch (error) {
      if (this.#numbered.get(jobId) === numbered) this.#numbered.delete(jobId);
      throw error;
    }
  }

  /**
   * Looks for a job that the controller waits for: an agent before this one started it, or systemd was out of reach.
   * @returns whether it is there, so that its end will be told. @throws Failure when systemd does not answer.
   */
  async find(jobId: number, type: JobType, unit: string, ticket: Ticket): Promise<boolean> {
    const { job: path, startedMonotonicUs, boot } = ticket;
    if (this.#numbered.has(jobId)) return true;
    // Paths begin anew when a host boots.
    if (boot !== this.#boot) return false;
    const numbered: Numbered = { type, unit, startedMonotonicUs, path, running: false, result: undefined };
    return this.#ask(async () => {
      const found = await this.#systemd.findJob(path);
      if (found?.unit !== unit) return false;
      this.#numbered.set(jobId, numbered);
      this.#wait(path, found.running, this.#waiter(jobId, numbered));
      return true;
    });
  }

  /** Runs a job to its end. @returns systemd's result. @throws Failure as systemd refuses. */
  run(type: JobType, unit: string, mode: string): Promise<string> {
    return new Promise((resolve, reject) => {
      const waiter = { running: () => {}, removed: resolve, lost: () => resolve("failed") };
      this.#queue(type, unit, mode, waiter).catch(reject);
    });
  }

  /** The unit of a job that the controller has numbered; undefined when it has no such job. */
  unitOfJob(jobId: number): string | undefined {
    return this.#numbered.get(jobId)?.unit;
  }

  /** @throws Failure when the controller has no such job. */
  async cancel(jobId: number): Promise<void> {
    const numbered = this.#numbered.get(jobId);
    if (numbered?.path === undefined || numbered.result !== undefined) {
      throw new Failure(ErrorName.Failed, `No job with ID '${jobId}' found`);
    }
    await this.#systemd.cancelJob(numbered.path);
  }

  jobStateChanged(path: string, state: string): void {
    if (state !== "running") return;
    const job = this.#jobs.get(path);
    if (this.#asking > 0) this.#early.set(path, { running: true, result: undefined });
    if (!job || job.running) return;
    job.running = true;
    for (const waiter of job.waiters) waiter.running();
  }

  jobRemoved(path: string, result: string): void {
    const job = this.#jobs.get(path);
    this.#jobs.delete(path);
    this.#need(this.#jobs.size > 0);
    if (this.#asking > 0) this.#early.set(path, { running: this.#early.get(path)?.running ?? false, result });
    for (const waiter of job?.waiters ?? []) waiter.removed(result);
  }

  /**
   * This agent is being stopped by a job of systemd. When the controller asked for that, it is told now how the job ends, as
   * nobody is there to tell it later.
   */
  stoppedBy(path: string): void {
    const asked = [...this.#numbered.values()].some((job) => job.path === path && job.type === "stop");
    if (asked) this.jobRemoved(path, "done");
  }

  /** systemd, who alone knows, is out of reach: the jobs have to be found again. */
  lost(): void {
    const all = [...this.#jobs.values()].flatMap(({ waiters }) => waiters);
    this.#jobs.clear();
    this.#early.clear();
    this.#need(false);
    for (const waiter of all) waiter.lost();
  }

  #waiter(jobId: number, numbered: Numbered): Waiter {
    // By then the number may be that of another controller's job.
    const listener = () => (this.#numbered.get(jobId) === numbered ? this.#listener : undefined);
    return {
      running: () => {
        numbered.running = true;
        listener()?.jobStateChanged(jobId, "running");
      },
      removed: (result) => {
        numbered.result = result;
        const { unit, type, startedMonotonicUs } = numbered;
        listener()?.jobMeasured(unit, jobMethods[type], this.#clock.monotonicUs() - startedMonotonicUs);
        listener()?.jobRemoved(jobId, result);
      },
      lost: () => {
        if (this.#numbered.get(jobId) === numbered) this.#numbered.delete(jobId);
      },
    };
  }

  #queue(type: JobType, unit: string, mode: string, waiter: Waiter): Promise<string> {
    return this.#ask(async () => {
      const path = await this.#systemd.startJob(type, unit, mode);
      this.#wait(path, false, waiter);
      return path;
    });
  }

  /** Puts a question to systemd whose answer names a job; what is told of that job meanwhile is not missed. */
  async #ask<T>(question: () => Promise<T>): Promise<T> {
    this.#asking++;
    try {
      return await question();
    } finally {
      if (--this.#asking === 0) this.#early.clear();
    }
  }

  #wait(path: string, running: boolean, waiter: Waiter): void {
    const early = this.#early.get(path);
    if (early?.result !== undefined) {
      if (early.running) waiter.running();
      waiter.removed(early.result);
      return;
    }
    const job = this.#jobs.get(path) ?? { running: running || early?.running === true, waiters: [] };
    this.#jobs.set(path, job);
    this.#need(true);
    job.waiters.push(waiter);
    if (job.running) waiter.running();
  }
}
