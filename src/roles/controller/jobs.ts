import type { Clock } from "../../base/clock.ts";
import { ErrorName, Failure } from "../../base/failure.ts";
import type { JobType } from "../../systemd/port.ts";
import { Job, type JobEvent, step } from "./job.ts";

/** More jobs at once than this are refused. */
const maxJobs = 65_536;

/** Who is told about jobs. */
export interface JobsListener {
  jobNew(job: Job): void;
  jobStateChanged(job: Job): void;
  jobRemoved(job: Job, result: string): void;
}

/** The jobs that have been asked for and have not ended, by their ids. */
export class Jobs {
  readonly #jobs = new Map<number, Job>();
  readonly #clock: Clock;
  readonly #listener: JobsListener;
  #lastId = 0;

  constructor(clock: Clock, listener: JobsListener) {
    this.#clock = clock;
    this.#listener = listener;
  }

  /** @throws Failure LimitsExceeded when too many jobs are pending. */
  create(node: string, type: JobType, unit: string): Job {
    if (this.#jobs.size >= maxJobs) throw new Failure(ErrorName.LimitsExceeded, "Too many jobs are pending");
    const job = new Job(++this.#lastId, node, unit, type, this.#clock.monotonicMs());
    this.#jobs.set(job.id, job);
    return job;
  }

  get(id: number): Job | undefined {
    return this.#jobs.get(id);
  }

  has(job: Job): boolean {
    return this.#jobs.get(job.id) === job;
  }

  get size(): number {
    return this.#jobs.size;
  }

  /** The jobs that have been announced. */
  get announced(): Job[] {
    return [...this.#jobs.values()].filter(({ state }) => state.phase === "waiting" || state.phase === "running");
  }

  /** Passes an event to a job and tells what comes of it. */
  handle(job: Job, event: JobEvent): void {
    const { state, effects } = step(job.state, event);
    job.state = state;
    if (state.phase === "ended") this.#jobs.delete(job.id);
    for (const effect of effects) {
      switch (effect.type) {
        case "new":
          this.#listener.jobNew(job);
          break;
        case "stateChanged":
          this.#listener.jobStateChanged(job);
          break;
        case "removed":
          this.#listener.jobRemoved(job, effect.result);
          job.onEnded(effect.result);
          break;
      }
    }
  }

  /** An event that a node tells of one of its jobs; about jobs that are not its own it has no say. */
  handleFrom(node: string, id: number, event: JobEvent): void {
    const job = this.#jobs.get(id);
    if (job?.node === node) this.handle(job, event);
  }

  /** The jobs of one node. */
  of(node: string): Job[] {
    return [...this.#jobs.values()].filter((job) => job.node === node);
  }

  /** Ends jobs, all of them when none are named, with one result. */
  endAll(result: string, jobs: Iterable<Job> = [...this.#jobs.values()]): void {
    for (const job of jobs) this.handle(job, { type: "removed", result });
  }
}
