// What a client of the controller would have heard, and the picture that it would have of jobs and units.
import type { ControllerListener, Status } from "../../src/roles/controller/controller.ts";
import type { Job } from "../../src/roles/controller/job.ts";
import type { Node } from "../../src/roles/controller/node.ts";
import type { Reason, Subscriber } from "../../src/roles/controller/subscriptions.ts";

export class Recorder implements ControllerListener {
  /** The jobs that were announced and have not ended. */
  readonly pending = new Set<Job>();
  /** The results of those that have, in the order of their ends. */
  readonly results: { readonly job: Job; readonly result: string }[] = [];
  readonly statuses: Status[] = [];
  /** Looks at a job that ends. */
  onJobRemoved: (job: Job, result: string) => void = () => {};
  /** The nodes that came and went. */
  readonly nodes: string[] = [];
  /** What should not have been told. */
  readonly mistakes: string[] = [];

  jobNew(job: Job): void {
    if (this.pending.has(job)) this.mistakes.push(`job ${job.id} announced twice`);
    this.pending.add(job);
  }

  jobStateChanged(job: Job): void {
    if (!this.pending.has(job)) this.mistakes.push(`job ${job.id} has a state when it is not there`);
  }

  jobRemoved(job: Job, result: string): void {
    if (!this.pending.delete(job)) this.mistakes.push(`job ${job.id} ended when it is not there`);
    this.results.push({ job, result });
    this.onJobRemoved(job, result);
  }

  statusChanged(status: Status): void {
    if (this.statuses.at(-1) === status) this.mistakes.push(`status ${status} told twice`);
    this.statuses.push(status);
  }

  nodeStatusChanged(_node: Node): void {}

  nodeAdded(node: Node): void {
    this.nodes.push(`+${node.name}`);
  }

  nodeRemoved(node: Node): void {
    if (node.online) this.mistakes.push(`node ${node.name} removed while it is online`);
    this.nodes.push(`-${node.name}`);
  }

  monitorNew(): void {}
  monitorClosed(): void {}
  agentJobMeasured(): void {}
  startJobMeasured(): void {}

  /** The controller is gone, and its clients know that its jobs are, too. */
  controllerGone(): void {
    this.pending.clear();
    if (this.statuses.at(-1) !== "down") this.statuses.push("down");
  }
}

/** A listener's picture of some units, made of what it is told alone. */
export class Picture implements Subscriber {
  readonly units = new Map<string, string>();
  /** Everything it was told, a line each. */
  readonly told: string[] = [];

  unitNew(node: string, unit: string, reason: Reason): void {
    this.told.push(`new ${node} ${unit} ${reason}`);
    this.units.set(`${node} ${unit}`, "inactive");
  }

  unitRemoved(node: string, unit: string, reason: Reason): void {
    this.told.push(`removed ${node} ${unit} ${reason}`);
    this.units.delete(`${node} ${unit}`);
  }

  unitStateChanged(node: string, unit: string, activeState: string, subState: string, reason: Reason): void {
    this.told.push(`state ${node} ${unit} ${activeState} ${subState} ${reason}`);
    this.units.set(`${node} ${unit}`, activeState);
  }

  unitPropertiesChanged(): void {}
}
