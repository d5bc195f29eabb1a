// A controller of a scenario, with the network that leads to it.
import type { Clock } from "../../src/base/clock.ts";
import type { Log } from "../../src/base/log.ts";
import { admission } from "../../src/roles/controller/admission.ts";
import { Controller, type ControllerTerms } from "../../src/roles/controller/controller.ts";
import { Acceptor } from "../../src/wire/handshake.ts";
import type { HeartbeatOptions } from "../../src/wire/heartbeat.ts";
import { MemoryNetwork } from "../../src/wire/memory.ts";
import type { Listener } from "../../src/wire/transport.ts";
import { Recorder } from "./recorder.ts";

export interface StationOptions {
  readonly address: string;
  readonly terms: ControllerTerms;
  readonly seed: number;
  readonly clock: Clock;
  readonly log: Log;
  readonly heartbeat: HeartbeatOptions;
}

/** What a running controller is made of. */
interface Running {
  readonly controller: Controller;
  readonly acceptor: Acceptor;
  readonly listener: Listener;
  /** Whether it still acts; one that has crashed does nothing about the links that it loses. */
  acts: boolean;
}

export class Station {
  readonly address: string;
  readonly network: MemoryNetwork;
  readonly recorder = new Recorder();
  readonly #options: StationOptions;
  #terms: ControllerTerms;
  #running: Running;

  constructor(options: StationOptions) {
    const { address, seed, clock } = options;
    this.address = address;
    this.#options = options;
    this.#terms = options.terms;
    this.network = new MemoryNetwork({ seed, clock, maxDelayMs: 5 });
    this.#running = this.#start();
  }

  get controller(): Controller {
    return this.#running.controller;
  }

  /** The controller stops in order, or dies. */
  stop(orderly: boolean): void {
    const running = this.#running;
    if (orderly) running.controller.shutDown();
    running.controller.listen(undefined);
    running.acts = false;
    running.listener.close();
    this.network.cut();
    running.acceptor.close();
    this.recorder.controllerGone();
  }

  /** Starts a controller in place of the one that was stopped. */
  restart(): void {
    this.#running = this.#start();
  }

  /** Has the controller, and those that come after it, take over another configuration. */
  reload(changes: Partial<ControllerTerms>): void {
    this.#terms = { ...this.#terms, ...changes };
    this.controller.reconfigure(this.#terms);
  }

  /** Whether a node is online here. */
  has(node: string): boolean {
    return this.#running.acts && this.controller.nodes.get(node)?.online === true;
  }

  /** Ends the controller, and leaves the connections to end in order. */
  close(): void {
    this.#running.controller.shutDown();
    this.#running.acceptor.close();
  }

  #start(): Running {
    const { clock, log, heartbeat } = this.#options;
    const controller = new Controller({ ...this.#terms, clock, log });
    controller.listen(this.recorder);
    const settings = { HeartbeatInterval: heartbeat.intervalMs, NodeHeartbeatThreshold: heartbeat.thresholdMs };
    const admit = admission(controller, { service: { settings } }, log, clock);
    const acceptor = new Acceptor({
      clock,
      log,
      version: "1",
      admit(hello, transport) {
        const owner = admit(hello, transport);
        return { ...owner, onClose: (...why) => running.acts && owner.onClose(...why) };
      },
    });
    const listener = this.network.listen((transport) => acceptor.accept(transport));
    const running: Running = { controller, acceptor, listener, acts: true };
    return running;
  }
}
