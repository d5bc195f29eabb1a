// What people and programs do meanwhile: jobs by way of the controller, and by each host's own systemctl.
import { setTimeout as pause } from "node:timers/promises";
import { Random } from "../../src/wire/random.ts";
import type { Host } from "../testbed/host.ts";
import type { ControllerEyes } from "./eyes.ts";
import { sources, targets } from "./units.ts";

const maxPauseMs = 100;
/** Requests without an answer; above these nothing is asked for. A bus lets a program wait for 128. */
const maxOpen = 50;
/** The calls and commands that are given up as hanging: longer than a node may take to answer. */
export const answerMs = 60_000;

/** Asks for things at random, from a seed, until it is closed. */
export class Load {
  readonly #random: Random;
  readonly #hosts: readonly Host[];
  readonly #eyes: ControllerEyes;
  readonly #open = new Set<Promise<unknown>>();
  readonly #done: Promise<void>;
  #closed = false;

  constructor(seed: number, hosts: readonly Host[], eyes: ControllerEyes) {
    this.#random = new Random(seed);
    this.#hosts = hosts;
    this.#eyes = eyes;
    this.#done = this.#run();
  }

  /** Asks for nothing more. @returns once everything was answered. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.#done;
    await Promise.all(this.#open);
  }

  async #run(): Promise<void> {
    while (!this.#closed) {
      await pause(this.#random.below(maxPauseMs));
      if (this.#open.size >= maxOpen) continue;
      const asked = this.#random.below(3) === 0 ? this.#local() : this.#job();
      const answered = asked.catch(() => undefined).finally(() => this.#open.delete(answered));
      this.#open.add(answered);
    }
  }

  async #job(): Promise<void> {
    const host = this.#any(this.#hosts);
    const method = this.#any(["StartUnit", "StartUnit", "StopUnit", "RestartUnit"] as const);
    const name = this.#any([...targets, ...this.#sources(host)]);
    await this.#eyes.program?.node(host.name).call(method, { name, mode: "replace" }, { timeoutMs: answerMs });
  }

  async #local(): Promise<void> {
    const host = this.#any(this.#hosts);
    const verb = this.#any(["start", "stop"]);
    const unit = this.#any(this.#sources(host));
    if (host.isOn) await host.run(["systemctl", "--no-block", verb, unit], { timeoutMs: answerMs });
  }

  #sources(host: Host): string[] {
    const names = this.#hosts.map(({ name }) => name);
    return sources(host.name, names);
  }

  #any<T>(items: readonly T[]): T {
    return items[this.#random.below(items.length)] as T;
  }
}
