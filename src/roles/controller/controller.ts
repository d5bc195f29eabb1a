import type { Clock } from "../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import type { JobType } from "../../systemd/port.ts";
import type { Handlers } from "../../wire/messages.ts";
import type { Session } from "../../wire/session.ts";
import { Dependencies } from "./dependencies.ts";
import { checkedProperties, checkedUnit, checkedWord } from "./hearsay.ts";
import type { Job } from "./job.ts";
import { Jobs, type JobsListener } from "./jobs.ts";
import { LostJobs } from "./lost-jobs.ts";
import { type MetricsListener, startTime } from "./metrics.ts";
import type { Monitor } from "./monitor.ts";
import { Monitors, type MonitorsListener } from "./monitors.ts";
import { Node, type NodeTerms } from "./node.ts";
import { Subscriptions } from "./subscriptions.ts";

/** `up` when all nodes are online, `down` when none is, else `degraded`. */
export type Status = "up" | "degraded" | "down";

/** Characters of a method's and an interface's name that are passed on (D-Bus specification, "Valid Names"). */
const maxMethod = 255;
const maxInterface = 255;

/** Who is told what happens; the D-Bus face, or a test. */
export interface ControllerListener extends JobsListener, MonitorsListener, MetricsListener {
  statusChanged(status: Status): void;
  nodeStatusChanged(node: Node): void;
  nodeAdded(node: Node): void;
  /** It is offline, and will not come back. */
  nodeRemoved(node: Node): void;
}

/** What the configuration says of all that the controller knows. */
export interface ControllerTerms {
  /** The nodes that may register, in the order in which they are listed. */
  readonly nodes: readonly NodeTerms[];
  /** How long the jobs of a node that has dropped off wait for its return, in ms. */
  readonly jobLostTimeoutMs: number;
  /** How long a node may be away until it counts as lost for those whose units depend on its units, in ms; 0 for ever. */
  readonly targetLostTimeoutMs: number;
}

interface ControllerOptions extends ControllerTerms {
  readonly clock: Clock;
  readonly log: Log;
}

/** All that the controller knows: nodes, jobs, monitors, what depends on what. */
export class Controller {
  readonly #nodes = new Map<string, Node>();
  readonly #online = new Set<Node>();
  readonly jobs: Jobs;
  readonly monitors: Monitors;
  readonly subscriptions: Subscriptions;
  readonly dependencies: Dependencies;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #lostJobs: LostJobs;
  #listener: ControllerListener | undefined;
  #status: Status = "down";
  #metrics = false;

  constructor({ clock, log, ...terms }: ControllerOptions) {
    this.subscriptions = new Subscriptions(log);
    this.dependencies = new Dependencies(this.nodes, this.subscriptions, clock, log);
    this.jobs = new Jobs(clock, {
      jobNew: (job) => this.#listener?.jobNew(job),
      jobStateChanged: (job) => this.#listener?.jobStateChanged(job),
      jobRemoved: (job, result) => this.#jobRemoved(job, result),
    });
    this.#lostJobs = new LostJobs({ jobs: this.jobs, clock, log, timeoutMs: terms.jobLostTimeoutMs });
    this.monitors = new Monitors(this.subscriptions, {
      monitorNew: (monitor) => this.#listener?.monitorNew(monitor),
      monitorClosed: (monitor) => this.#listener?.monitorClosed(monitor),
    });
    this.#clock = clock;
    this.#log = log;
    this.reconfigure(terms);
  }

  /** The nodes that may register, in the order in which they are listed. */
  get nodes(): ReadonlyMap<string, Node> {
    return this.#nodes;
  }

  /** Sets who is told what happens, nobody for undefined. */
  listen(listener: ControllerListener | undefined): void {
    this.#listener = listener;
  }

  get status(): Status {
    return this.#status;
  }

  /** Takes over what the configuration says now. Nodes that stay keep their links, and all that is under way there. */
  reconfigure({ nodes: list, jobLostTimeoutMs, targetLostTimeoutMs }: ControllerTerms): void {
    this.#lostJobs.timeoutMs = jobLostTimeoutMs;
    const left = new Map(this.#nodes);
    this.#nodes.clear();
    for (const terms of list) {
      const node = left.get(terms.name) ?? this.#addNode(terms);
      left.delete(terms.name);
      this.#nodes.set(terms.name, node);
    }
    for (const terms of list) this.#nodes.get(terms.name)?.configure(terms);
    for (const node of left.values()) this.#removeNode(node);
    this.dependencies.review(targetLostTimeoutMs);
    this.#updateStatus();
  }

  #addNode({ name, allowedDependencies }: NodeTerms): Node {
    const node = new Node(name, allowedDependencies, this.#clock);
    this.subscriptions.addNode(node);
    this.#listener?.nodeAdded(node);
    return node;
  }

  #removeNode(node: Node): void {
    const reason = `node '${node.name}' is no longer in the controller's configuration`;
    // First what it needs and what needs it, as its agent and those of others have to hear of that.
    this.dependencies.removeNode(node, reason);
    this.#lostJobs.nodeRemoved(node.name, reason);
    node.disconnect(reason);
    this.subscriptions.removeNode(node);
    this.#listener?.nodeRemoved(node);
    this.#log.info(`Node '${node.name}' removed`);
  }

  /** @throws Failure AccessDenied for a name that may not register. */
  admit(name: string): Node {
    const node = this.nodes.get(name);
    if (!node) throw new Failure(ErrorName.AccessDenied, "Unexpected node name");
    return node;
  }

  /** A node's agent has connected. An older connection of the same node gives way: it is most likely a dead one. */
  connected(node: Node, session: Session<"controller">, peer: string): void {
    if (node.online) {
      this.#log.warn(`Node '${node.name}' has connected again from '${peer}', its older connection is closed`);
      node.displace(`another agent has connected as '${node.name}'`);
    }
    node.connected(session, peer);
    this.#online.add(node);
    this.#log.info(`Registered managed node from '${peer || "unix socket"}' as '${node.name}'`);
    this.#listener?.nodeStatusChanged(node);
    this.#updateStatus();
    void this.#lostJobs.nodeOnline(node.name, session);
    if (this.#metrics) node.emit("setMetrics", { enabled: true });
    this.subscriptions.nodeOnline(node);
    this.dependencies.nodeOnline(node);
  }

  /** The session of a node has ended. */
  disconnected(node: Node, session: Session<"controller">, reason: string): void {
    if (!node.has(session)) return;
    node.disconnected();
    this.#online.delete(node);
    this.#log.info(`Node '${node.name}' disconnected: ${reason}`);
    this.#lostJobs.nodeOffline(node.name);
    this.dependencies.nodeOffline(node);
    this.subscriptions.nodeOffline(node);
    this.#listener?.nodeStatusChanged(node);
    this.#updateStatus();
  }

  /** What a node's agent may ask and tell, but for certificates. */
  handlers(node: Node): Omit<Handlers<"controller">, "renewCertificate"> {
    const { jobs, subscriptions, dependencies } = this;
    return {
      createProxy: ({ proxyId, node: target, unit }) => {
        dependencies.add(node, proxyId, target, unit);
        return {};
      },
      removeProxy: ({ proxyId }) => dependencies.remove(node, proxyId),
      jobStateChanged: ({ jobId, state }) => {
        if (state === "running") jobs.handleFrom(node.name, jobId, { type: "running" });
      },
      jobRemoved: ({ jobId, result }) => {
        jobs.handleFrom(node.name, jobId, { type: "removed", result: checkedWord(result, node.name) });
        // Until then its agent only keeps a line about it.
        node.emit("forgetJob", { jobId }, false);
      },
      jobMeasured: ({ unit, method, microseconds }) => {
        if (!this.#metrics) return;
        const name = checkedUnit(unit, node.name);
        this.#listener?.agentJobMeasured(node.name, name, method.slice(0, maxMethod), microseconds);
      },
      unitNew: ({ unit }) => subscriptions.unitNew(node, checkedUnit(unit, node.name)),
      unitRemoved: ({ unit }) => subscriptions.unitRemoved(node, checkedUnit(unit, node.name)),
      unitStateChanged: ({ unit, activeState, subState }) => {
        const [active, sub] = [checkedWord(activeState, node.name), checkedWord(subState, node.name)];
        subscriptions.unitStateChanged(node, checkedUnit(unit, node.name), active, sub);
      },
      unitPropertiesChanged: ({ unit, interface: interfaceName, properties }) => {
        const [name, checked] = [checkedUnit(unit, node.name), checkedProperties(properties, node.name)];
        subscriptions.unitPropertiesChanged(node, name, interfaceName.slice(0, maxInterface), checked);
      },
    };
  }

  /**
   * Asks a node for a job. It is announced by `jobs.handle(job, { type: "accepted" })`, which the caller does after it has
   * told the job's path to whoever asked.
   * @throws Failure Offline, or as systemd refuses.
   */
  async startJob(node: Node, type: JobType, unit: string, mode: string): Promise<Job> {
    if (!node.online) throw new Failure(ErrorName.Offline, "Node is offline");
    const job = this.jobs.create(node.name, type, unit);
    try {
      job.ticket = await node.call("startJob", { jobId: job.id, type, unit, mode });
    } catch (error) {
      this.jobs.handle(job, { type: "refused" });
      throw error;
    }
    return job;
  }

  async cancelJob(job: Job): Promise<void> {
    await this.nodes.get(job.node)?.call("cancelJob", { jobId: job.id });
  }

  createMonitor(owner: string): Monitor {
    return this.monitors.create(owner);
  }

  get metrics(): boolean {
    return this.#metrics;
  }

  /** @throws Failure InconsistentMessage when they are so already. */
  setMetrics(enabled: boolean): void {
    if (this.#metrics === enabled) {
      throw new Failure(ErrorName.InconsistentMessage, `Metrics already ${enabled ? "enabled" : "disabled"}`);
    }
    this.#metrics = enabled;
    for (const node of this.nodes.values()) node.emit("setMetrics", { enabled });
  }

  /** Ends all that is pending, before the controller leaves the bus. */
  shutDown(): void {
    this.jobs.endAll("cancelled due to shutdown");
    this.#setStatus("down");
    // First all are let go, so that no node is told to stop what it runs for another that has just been disconnected.
    const sessions = [...this.nodes.values()].map((node) => node.disconnected());
    for (const session of sessions) session?.close("the controller is stopping");
    this.dependencies.close();
    this.#lostJobs.close();
  }

  #jobRemoved(job: Job, result: string): void {
    this.#listener?.jobRemoved(job, result);
    if (!this.#metrics || job.type !== "start") return;
    const node = this.nodes.get(job.node);
    if (!node?.online) return;
    const grossUs = BigInt(Math.round((this.#clock.monotonicMs() - job.requestedMs) * 1000));
    startTime(node, job.unit)
      .then((netUs) => this.#listener?.startJobMeasured(job, grossUs, netUs))
      .catch((error) => this.#log.debug(`No start time of '${job.unit}' on node '${job.node}': ${describe(error)}`));
  }

  #updateStatus(): void {
    const online = this.#online.size;
    this.#setStatus(online === 0 ? "down" : online === this.#nodes.size ? "up" : "degraded");
  }

  #setStatus(status: Status): void {
    if (status === this.#status) return;
    this.#status = status;
    this.#listener?.statusChanged(status);
  }
}
