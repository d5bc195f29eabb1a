import type { Clock } from "../../base/clock.ts";
import { describe, ErrorName, Failure } from "../../base/failure.ts";
import type { Log } from "../../base/log.ts";
import type { SystemdListener } from "../../systemd/port.ts";
import type { ReconnectingListener, ReconnectingSystemd } from "../../systemd/reconnecting.ts";
import type { Handlers } from "../../wire/messages.ts";
import { Dependencies } from "./dependencies.ts";
import { gate } from "./gate.ts";
import type { Identity } from "./identity.ts";
import { Jobs, type JobsListener } from "./jobs.ts";
import type { KeptSwitch } from "./kept-switch.ts";
import { type ControllerSession, Link, type LinkOptions } from "./link.ts";
import { openPolicy, type Policy } from "./policy.ts";
import { Proxies } from "./proxies.ts";
import { refusalsIn } from "./refusals.ts";
import { requests } from "./requests.ts";
import { type Tell, Units } from "./units.ts";

/** Who is told what happens; the D-Bus face, or a test. */
export interface AgentListener {
  statusChanged(): void;
  controllerAddressChanged(): void;
}

export interface AgentOptions {
  readonly systemd: ReconnectingSystemd;
  readonly clock: Clock;
  readonly log: Log;
  /** What tells this boot of the host from others. */
  readonly boot: bigint;
  readonly link: Omit<LinkOptions, "clock" | "log" | "listener">;
  /** What the controller may do now; everything when left out. */
  policy?(): Policy;
  /** This node's name now, for those who are refused. */
  node?(): string;
  /** Where it is kept what the agent is switched to; undefined for nowhere. */
  readonly keptSwitch?: KeptSwitch | undefined;
  /** @throws Failure AccessDenied for an address that this agent may not be switched to. All are allowed when it is left out. */
  permit?(address: string): void;
  /** Who this node is; undefined when it has nowhere to keep that. */
  readonly identity?: Identity | undefined;
}

/** All that an agent knows: its link to the controller, the jobs it runs, the units it tells of, its proxies. */
export class Agent implements ReconnectingListener {
  readonly link: Link;
  readonly proxies: Proxies;
  readonly jobs: Jobs;
  readonly units: Units;
  readonly handlers: Handlers<"agent">;
  readonly #clock: Clock;
  readonly #log: Log;
  readonly #keptSwitch: KeptSwitch | undefined;
  readonly #permit: AgentOptions["permit"];
  readonly #dependencies: Dependencies;
  readonly #identity: Identity | undefined;
  readonly #listeners = new Set<AgentListener>();
  #metrics = false;
  lastSeenUs = 0n;
  lastSeenMonotonicUs = 0n;
  disconnectedUs = 0n;
  disconnectedMonotonicUs = 0n;

  constructor({
    systemd,
    clock,
    log,
    boot,
    link,
    keptSwitch,
    permit,
    identity,
    policy = () => openPolicy,
    node = () => "",
  }: AgentOptions) {
    this.#clock = clock;
    this.#log = log;
    this.#keptSwitch = keptSwitch;
    this.#permit = permit;
    this.#identity = identity;
    this.jobs = new Jobs(systemd, clock, boot, systemd.need());
    const tell: Tell = (name, fields) => {
      // Of a unit that the controller may not look at it is told no more than lists say.
      const { unit } = fields as { unit: string };
      const hides = name === "unitPropertiesChanged" && policy().refusal(["status"], [unit]) !== undefined;
      if (!hides) this.link.session?.emit(name, fields);
    };
    this.units = new Units(systemd, clock, tell, systemd.need());
    this.proxies = new Proxies(systemd, log, systemd.need());
    this.#dependencies = new Dependencies(systemd, this.jobs, log);
    this.handlers = requests({
      systemd,
      jobs: this.jobs,
      units: this.units,
      proxies: this.proxies,
      dependencies: this.#dependencies,
      log,
      boot,
      asker: () => this.#asker(),
      setMetrics: (enabled) => {
        this.#metrics = enabled;
      },
      permit: gate({
        systemd,
        knowledge: this.jobs,
        policy,
        node,
        refused: refusalsIn(log, clock, node),
      }),
      believe: (authorities) => this.#identity?.believe(authorities),
    });
    this.link = new Link({
      ...link,
      clock,
      log,
      listener: {
        online: (session) => this.#online(session),
        offline: () => this.#offline(),
        addressChanged: () => this.#tell((listener) => listener.controllerAddressChanged()),
      },
    });
    systemd.listen(this);
  }

  get status(): "online" | "offline" {
    return this.link.session ? "online" : "offline";
  }

  /** Adds one who is told what happens. @returns what ends that. */
  listen(listener: AgentListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Begins. @returns once the first attempt to connect has succeeded or failed. */
  async start(): Promise<void> {
    await this.proxies.reconcile();
    await this.link.start();
  }

  /** Notes that the controller has given a sign of life. */
  seen(): void {
    this.lastSeenUs = this.#clock.realtimeUs();
    this.lastSeenMonotonicUs = this.#clock.monotonicUs();
  }

  /** Leaves the controllers of the configuration for another one, or comes back. @throws Failure when it is there already, or may not. */
  switchController(address: string): void {
    if (address === this.link.address) {
      const message = "Failed to switch controller because already connected to the controller";
      throw new Failure(ErrorName.Failed, message);
    }
    this.#permit?.(address);
    this.link.switchTo(address);
    this.#keptSwitch?.keep(this.link.switchedTo);
  }

  /** Goes to one of other controllers, which the configuration has now. */
  reconfigure(addresses: readonly string[]): void {
    this.link.configure(addresses);
    this.#keptSwitch?.keep(undefined);
  }

  /**
   * Ends all.
   * @param job systemd's job that is the reason, if one is. A restart leaves the started proxy units active, for the agent
   * that takes over from this one.
   */
  async stop(job?: { readonly job: string; readonly type: string }): Promise<void> {
    await this.proxies.stop(job?.type === "restart");
    if (job) this.jobs.stoppedBy(job.job);
    this.link.stop("the agent is stopping");
  }

  unitNew(unit: string): void {
    this.units.unitNew(unit);
  }

  unitRemoved(unit: string): void {
    this.units.unitRemoved(unit);
  }

  listensTo(unit: string): boolean {
    return this.proxies.has(unit) || this.units.listensTo(unit);
  }

  unitPropertiesChanged(
    ...[unit, interfaceName, properties, state]: Parameters<SystemdListener["unitPropertiesChanged"]>
  ) {
    if (state.activeState !== undefined) this.proxies.unitStateChanged(unit, state.activeState);
    this.units.unitPropertiesChanged(unit, interfaceName, properties, state);
  }

  jobStateChanged(path: string, state: string): void {
    this.jobs.jobStateChanged(path, state);
  }

  jobRemoved(path: string, unit: string, result: string): void {
    this.jobs.jobRemoved(path, result);
    void this.#dependencies.jobRemoved(unit, result);
  }

  lost(reason: string): void {
    // Without systemd the node can do nothing and know nothing: for the controller it is offline until systemd is back.
    this.#log.error(`The connection to systemd is lost: ${reason}`);
    this.jobs.lost();
    this.link.pause(`the agent has lost systemd: ${reason}`);
  }

  connected(): void {
    // A proxy that made the connection necessary may have ended before it was there.
    if (this.proxies.size > 0) this.proxies.reconcile().catch((error) => this.#log.warn(unseen(error)));
  }

  recovered(): void {
    this.#log.info("systemd is connected again");
    // When it is lost again meanwhile there will be another recovery.
    this.proxies.reconcile().then(
      () => this.link.resume(),
      (error) => this.#log.warn(unseen(error)),
    );
  }

  /** The controller that there is now, as one who hears of jobs. */
  #asker(): JobsListener {
    const { session } = this.link;
    return {
      jobStateChanged: (jobId, state) => session?.emit("jobStateChanged", { jobId, state }),
      jobRemoved: (jobId, result) => session?.emit("jobRemoved", { jobId, result }),
      jobMeasured: (unit, method, microseconds) => {
        if (this.#metrics) session?.emit("jobMeasured", { unit, method, microseconds });
      },
    };
  }

  #online(session: ControllerSession): void {
    this.seen();
    this.disconnectedUs = 0n;
    this.disconnectedMonotonicUs = 0n;
    this.proxies.online(session);
    this.#identity?.online(session);
    this.#tell((listener) => listener.statusChanged());
  }

  #offline(): void {
    this.disconnectedUs = this.#clock.realtimeUs();
    this.disconnectedMonotonicUs = this.#clock.monotonicUs();
    this.#metrics = false;
    this.jobs.offline();
    this.units.clear();
    this.proxies.offline();
    this.#identity?.offline();
    this.#tell((listener) => listener.statusChanged());
  }

  #tell(say: (listener: AgentListener) => void): void {
    for (const listener of this.#listeners) say(listener);
  }
}

function unseen(error: unknown): string {
  return `The proxies cannot be looked at: ${describe(error)}`;
}
