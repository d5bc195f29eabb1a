import type { Audit } from "../../../api/audit.ts";
import { controllerInterface } from "../../../api/controller.ts";
import { type About, Gatekeeper } from "../../../api/gatekeeper.ts";
import type { jobInterface } from "../../../api/job.ts";
import { metricsInterface } from "../../../api/metrics.ts";
import { jobPath, jobsPath, metricsPath, monitorPath, nodePath, rootPath } from "../../../api/names.ts";
import type { nodeInterface } from "../../../api/node.ts";
import { type Body, emptyBody } from "../../../base/body.ts";
import { ErrorName, Failure } from "../../../base/failure.ts";
import { isLevel, type Log } from "../../../base/log.ts";
import type { BusConnection } from "../../../bus/connection.ts";
import { ObjectTree, type Served } from "../../../bus/serve.ts";
import type { Cluster } from "../cluster/cluster.ts";
import type { Controller, ControllerListener, Status } from "../controller.ts";
import type { Entrance } from "../entrance.ts";
import type { Job } from "../job.ts";
import type { Monitor } from "../monitor.ts";
import type { Node } from "../node.ts";
import { rollCall } from "../roll-call.ts";
import { Turns } from "../turns.ts";
import { serveCluster } from "./cluster.ts";
import { serveJob } from "./job.ts";
import { JoinedLists } from "./joined-lists.ts";
import { MonitorObject } from "./monitor.ts";
import { serveNode } from "./node.ts";

/** The controller as it is seen on one connection to the bus. */
export class ControllerFace implements ControllerListener {
  readonly #connection: BusConnection;
  readonly #controller: Controller;
  readonly #log: Log;
  readonly #tree: ObjectTree<About>;
  readonly #root: Served<typeof controllerInterface>;
  readonly #nodes = new Map<Node, Served<typeof nodeInterface>>();
  readonly #jobs = new Map<Job, Served<typeof jobInterface>>();
  readonly #monitors = new Map<Monitor, MonitorObject>();
  readonly #units = this.#ofAll("ListUnits", "a(ssssssouso)");
  readonly #unitFiles = this.#ofAll("ListUnitFiles", "a(ss)");
  #metrics: Served<typeof metricsInterface> | undefined;

  constructor(connection: BusConnection, controller: Controller, log: Log, audit: Audit) {
    this.#connection = connection;
    this.#controller = controller;
    this.#log = log;
    const job = (path: string) => controller.jobs.get(Number(path.slice(jobsPath.length)));
    const gatekeeper = new Gatekeeper({ connection, audit, job });
    this.#tree = new ObjectTree(connection, (called) => gatekeeper.pass(called));
    this.#root = this.#serveRoot();
    for (const node of controller.nodes.values()) this.nodeAdded(node);
    for (const job of controller.jobs.announced) this.#jobs.set(job, serveJob(this.#tree, controller, job));
    if (controller.metrics) this.#serveMetrics();
    connection.onClogged((clogged) => this.#hold(clogged));
  }

  /** Closes what belongs to clients of a connection that is gone. */
  detach(): void {
    this.#hold(false);
    for (const monitor of [...this.#monitors.keys()]) this.#controller.monitors.close(monitor);
  }

  /** Serves the cluster's object, too. @returns what ends that. */
  serveCluster(cluster: Cluster, entrance: Entrance): () => void {
    return serveCluster(this.#tree, cluster, entrance);
  }

  statusChanged(_status: Status): void {
    this.#root.changed("Status");
  }

  nodeStatusChanged(node: Node): void {
    this.#nodes.get(node)?.changed("Status");
  }

  nodeAdded(node: Node): void {
    this.#nodes.set(node, serveNode(this.#tree, this.#controller, node));
  }

  nodeRemoved(node: Node): void {
    this.#nodes.get(node)?.remove();
    this.#nodes.delete(node);
  }

  jobNew(job: Job): void {
    this.#jobs.set(job, serveJob(this.#tree, this.#controller, job));
    this.#root.emit("JobNew", { id: job.id, job: jobPath(job.id) });
  }

  jobStateChanged(job: Job): void {
    this.#jobs.get(job)?.changed("State");
  }

  jobRemoved(job: Job, result: string): void {
    this.#root.emit("JobRemoved", { id: job.id, job: jobPath(job.id), node: job.node, unit: job.unit, result });
    this.#jobs.get(job)?.remove();
    this.#jobs.delete(job);
  }

  monitorNew(monitor: Monitor): void {
    this.#monitors.set(
      monitor,
      new MonitorObject(this.#tree, this.#connection, this.#controller.monitors, monitor, this.#log),
    );
  }

  monitorClosed(monitor: Monitor): void {
    this.#monitors.get(monitor)?.remove();
    this.#monitors.delete(monitor);
  }

  agentJobMeasured(node_name: string, unit: string, method: string, systemd_job_time_micros: bigint): void {
    this.#metrics?.emit("AgentJobMetrics", { node_name, unit, method, systemd_job_time_micros });
  }

  startJobMeasured(job: Job, job_measured_time_micros: bigint, unit_start_prop_time_micros: bigint): void {
    this.#metrics?.emit("StartUnitJobMetrics", {
      node_name: job.node,
      job_id: jobPath(job.id),
      unit: job.unit,
      job_measured_time_micros,
      unit_start_prop_time_micros,
    });
  }

  /** While the bus is slow the nodes wait, and TCP tells them so: what they say would only pile up here. */
  #hold(held: boolean): void {
    for (const node of this.#controller.nodes.values()) node.hold(held);
  }

  #serveRoot(): Served<typeof controllerInterface> {
    const controller = this.#controller;
    return this.#tree.add(
      rootPath,
      controllerInterface,
      {
        ListUnits: () => this.#units.answer(),
        ListUnitFiles: () => this.#unitFiles.answer(),
        ListNodes: () => ({
          nodes: [...controller.nodes.values()].map(({ name, status, peer }) => [name, nodePath(name), status, peer]),
        }),
        GetNode: ({ name }) => {
          if (!controller.nodes.has(name)) throw new Failure(ErrorName.ServiceUnknown, "Node not found");
          return { path: nodePath(name) };
        },
        CreateMonitor: (_args, { sender }) => ({ monitor: monitorPath(controller.createMonitor(sender).id) }),
        SetLogLevel: ({ loglevel }) => this.#setLogLevel(loglevel),
        EnableMetrics: () => {
          controller.setMetrics(true);
          this.#serveMetrics();
        },
        DisableMetrics: () => {
          controller.setMetrics(false);
          this.#metrics?.remove();
          this.#metrics = undefined;
        },
      },
      {
        LogLevel: () => this.#log.level,
        LogTarget: () => this.#log.target,
        Status: () => controller.status,
      },
    );
  }

  /** What asks all nodes that are online; one that fails fails all, one that is silent is missing. */
  #ofAll(method: "ListUnits" | "ListUnitFiles", signature: string): Turns<Body> {
    const lists = new JoinedLists(signature);
    const ask = (node: Node) => node.callManager(method, emptyBody, signature);
    return new Turns(async () => {
      const { answers, silent } = await rollCall(this.#controller.nodes.values(), ask, this.#connection.clock);
      for (const node of silent) {
        this.#log.warn(`Node '${node}' does not answer ${method}: its units are missing from the list`);
      }
      return lists.joined(answers);
    });
  }

  #setLogLevel(word: string): void {
    const level = word.toUpperCase();
    if (!isLevel(level)) throw new Failure(ErrorName.InvalidArgs, "Invalid input for log level");
    this.#log.level = level;
    this.#log.info(`Log level changed to ${level}`);
  }

  #serveMetrics(): void {
    this.#metrics = this.#tree.add(metricsPath, metricsInterface, {}, {});
  }
}
