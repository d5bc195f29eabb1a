import type { Clock, Timer } from "../../base/clock.ts";
import { describe } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import { randomId } from "../../base/random-id.ts";
import type { Session } from "../../wire/session.ts";
import { checkedWord } from "./hearsay.ts";
import type { Job } from "./job.ts";
import type { Jobs } from "./jobs.ts";

/**
 * Looks after the jobs of nodes that have dropped off. systemd goes on with them, and the agent keeps their results: when
 * the node is back in time they end as they really did.
 */
export class LostJobs {
  readonly #jobs: Jobs;
  readonly #clock: Clock;
  readonly #log: Log;
  /** How long jobs wait for their node. */
  timeoutMs: number;
  /** The nodes that are away and have jobs. */
  readonly #timers = new Map<string, Timer>();
  /** Tells this run of this controller from all others, as all of them count their jobs from 1. */
  readonly #controller = randomId();

  constructor(options: { jobs: Jobs; clock: Clock; log: Log; timeoutMs: number }) {
    this.#jobs = options.jobs;
    this.#clock = options.clock;
    this.#log = options.log;
    this.timeoutMs = options.timeoutMs;
  }

  nodeOffline(node: string): void {
    // One without a ticket has not been accepted: who asked for it learns that the link is lost.
    const waiting = this.#jobs.of(node).filter(({ ticket }) => ticket);
    if (waiting.length === 0) return;
    this.#log.warn(`${waiting.length} jobs of node '${node}' wait up to ${this.timeoutMs} ms for its return`);
    this.#timers.set(
      node,
      this.#clock.after(this.timeoutMs, () => {
        this.#timers.delete(node);
        this.#fail(node, waiting, "the node did not come back in time");
      }),
    );
  }

  /** Ends the jobs of a node that will not come back. */
  nodeRemoved(node: string, why: string): void {
    this.#timers.get(node)?.cancel();
    this.#timers.delete(node);
    this.#fail(node, this.#jobs.of(node), why);
  }

  /** The first thing that a node hears which has connected. */
  async nodeOnline(node: string, session: Pick<Session<"controller">, "call" | "closed">): Promise<void> {
    this.#timers.get(node)?.cancel();
    this.#timers.delete(node);
    const waiting = this.#jobs.of(node);
    try {
      await session.call("resumeJobs", { controller: this.#controller });
      for (const job of waiting) await this.#find(job, session);
    } catch (error) {
      // On its next connection the node is asked again.
      if (session.closed) return;
      this.#fail(node, waiting, describe(error));
    }
  }

  close(): void {
    for (const timer of this.#timers.values()) timer.cancel();
  }

  async #find(job: Job, session: Pick<Session<"controller">, "call">): Promise<void> {
    const { id, type, unit, node, ticket } = job;
    if (!ticket || !this.#jobs.has(job)) return;
    const { result, why } = await session.call("findJob", { jobId: id, type, unit, ...ticket });
    if (checkedWord(result, node) === "" || !this.#jobs.has(job)) return;
    this.#log.warn(`Job ${id} to ${type} '${unit}' on node '${node}' ended as ${result}: ${why}`);
    this.#jobs.handle(job, { type: "removed", result });
  }

  #fail(node: string, jobs: readonly Job[], why: string): void {
    const lost = jobs.filter((job) => this.#jobs.has(job));
    if (lost.length === 0) return;
    this.#log.warn(`${lost.length} jobs of node '${node}' ended as failed, as their results are not known: ${why}`);
    this.#jobs.endAll("failed", lost);
  }
}
