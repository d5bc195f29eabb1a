import { expect, test } from "bun:test";
import type { Job } from "../../src/roles/controller/job.ts";
import type { FakeJob } from "../../src/systemd/fake-jobs.ts";
import type { UnitFile } from "../../src/systemd/fake-unit.ts";
import type { JobType } from "../../src/systemd/port.ts";
import { Picture } from "./recorder.ts";
import { type Host, World } from "./world.ts";

// Anything at any time, from a seed; and then, when all is mended and time has passed, all that must hold again. A seed
// that fails is named by its test, and printed with what was logged.

const nodes = ["laptop", "pi", "nas"];
const seeds = Array.from(
  { length: Number(process.env.SEEDS ?? 2000) },
  (_, index) => Number(process.env.SEED ?? 0) + index,
);
const steps = 40;
/** Longer than a node is missed, a link takes to come back, and what was left behind takes to be stopped. */
const healedMs = 60_000;

/** After these, an agent cannot have heard how a job ended, and judges by what its unit has become. */
const forgetful = new Set(["crash", "power loss", "restart", "reexec"]);

const targets = ["a.service", "b.service", "c.service"];

class Chaos {
  readonly world: World;
  picture = new Picture();
  /** The subscription behind the picture; undefined while nobody listens, as is the case now and then. */
  #watching: number | undefined;
  readonly #random: (below: number) => number;
  readonly #asked: Promise<unknown>[] = [];
  /** What systemd has of the jobs. */
  readonly #real = new Map<Job, FakeJob>();
  /** Jobs whose end nobody may have heard. */
  readonly #unheard = new Set<Job>();

  constructor(seed: number) {
    this.world = new World(nodes, seed);
    this.#random = (below) => this.world.random.below(below);
    for (const host of this.world.hosts) for (const file of this.#files(host)) host.systemd.define(file);
    this.world.recorder.onJobRemoved = (job) => {
      if (!this.world.controller.nodes.get(job.node)?.online) this.#unheard.add(job);
    };
  }

  /** Targets of random character, and a source for each target of another node. */
  #files({ name }: Host): UnitFile[] {
    const characters: Partial<UnitFile>[] = [
      { startMs: this.#random(3000), stopWhenUnneeded: true },
      { startMs: this.#random(20_000), stopMs: this.#random(2000), stopWhenUnneeded: true },
      { startMs: this.#random(100), failsAtStart: this.#random(2) === 0 },
    ];
    const files: UnitFile[] = targets.map((target, index) => ({ name: target, ...characters[index] }));
    for (const node of nodes.filter((other) => other !== name)) {
      for (const target of targets) {
        const proxy = `bluechi-proxy@${node}_${target}`;
        const need = this.#random(2) === 0 ? { wants: [proxy] } : { bindsTo: [proxy] };
        files.push({ name: `needs-${node}-${target}`, ...need, after: [proxy] });
      }
    }
    return files;
  }

  async boot(): Promise<void> {
    for (const host of this.world.hosts) await host.boot();
    await this.world.run(100);
    this.#watch();
  }

  async step(): Promise<void> {
    const host = this.#any(this.world.hosts);
    const actions: [string, () => void | Promise<void>][] = [
      ...Array.from({ length: 6 }, () => ["jobs", () => this.#jobs(host)] as [string, () => void]),
      ["local", () => this.#local(host)],
      ["listen", () => this.#toggle()],
      ["fail", () => host.systemd.loaded(this.#any(targets))?.fail()],
      ["lose", () => this.world.network.lose(host.name)],
      ["heal", () => this.world.network.heal(host.name)],
      ["blink", () => this.#blink(host)],
      ["blink", () => this.#blink(host)],
      ["cut", () => this.world.network.cut(host.name)],
      ["crash", () => this.#replace(host, () => host.crash())],
      ["power loss", () => this.#replace(host, () => host.powerLoss())],
      ["restart", () => this.#replace(host, () => host.stop(true))],
      ["reexec", () => host.systemd.disconnect("systemd is executed again", this.#any([0, 100, 3000]))],
      ["controller", () => this.#restartController()],
    ];
    const [what, act] = this.#any(actions);
    this.world.note(`-- ${what} ${host.name}`);
    if (forgetful.has(what)) for (const job of this.world.controller.jobs.of(host.name)) this.#unheard.add(job);
    await act();
    await this.world.run(this.#any([0, 1, 10, 300, 3000, 10_000]));
  }

  async heal(): Promise<void> {
    this.world.note("-- heal all");
    if (this.#watching === undefined) this.#watch();
    for (const host of this.world.hosts) {
      this.world.network.heal(host.name);
      if (!host.agent) await host.boot();
    }
    await this.world.run(healedMs);
    await Promise.all(this.#asked);
  }

  /** What does not hold, in words. */
  problems(): string[] {
    const { controller, recorder, hosts } = this.world;
    const problems = [...recorder.mistakes, ...this.#aboutResults()];
    if (controller.jobs.size > 0) problems.push(`${controller.jobs.size} jobs have not ended`);
    if (recorder.pending.size > 0) problems.push(`${recorder.pending.size} jobs were not told to have ended`);
    if (controller.status !== "up") problems.push(`the status is ${controller.status}`);
    for (const host of hosts) {
      if (host.agent?.status !== "online") problems.push(`${host.name} is not online`);
      for (const target of targets)
        problems.push(...this.#aboutDependency(host, target), ...this.#aboutPicture(host, target));
      for (const unit of host.systemd.units) {
        if (unit.name.startsWith("bluechi-proxy@") && unit.activeState === "deactivating") {
          problems.push(`${host.name} ${unit.name} is ${unit.activeState}`);
        }
      }
    }
    return problems;
  }

  /** Every job ended as systemd said, if it was possible to hear that. */
  #aboutResults(): string[] {
    const problems: string[] = [];
    for (const { job, result } of this.world.recorder.results) {
      const real = this.#real.get(job)?.result;
      if (result === real || this.#unheard.has(job) || result === "cancelled due to shutdown") continue;
      problems.push(`job ${job.id} to ${job.type} ${job.unit} of ${job.node} ended as ${result}, but really ${real}`);
    }
    return problems;
  }

  /** The dependency unit is there exactly as long as proxy units on other hosts are. */
  #aboutDependency(host: Host, target: string): string[] {
    const users = this.world.hosts.filter((other) =>
      ["active", "activating"].includes(other.state(`bluechi-proxy@${host.name}_${target}`)),
    );
    const counted = this.world.controller.dependencies.users(host.name, target);
    const problems: string[] = [];
    if (counted !== users.length) {
      problems.push(`${target} of ${host.name} has ${users.length} users, but ${counted} are counted`);
    }
    const state = host.state(`bluechi-dep@${target}`);
    const queued = host.state(target) === "activating";
    if (users.length === 0 && state !== "inactive" && state !== "failed") {
      problems.push(`the dependency unit of ${target} of ${host.name} is ${state} without users`);
    }
    if (users.length > 0 && state !== "active" && !queued) {
      problems.push(`the dependency unit of ${target} of ${host.name} is ${state} with users`);
    }
    return problems;
  }

  #aboutPicture(host: Host, target: string): string[] {
    const pictured = this.picture.units.get(`${host.name} ${target}`) ?? "not loaded";
    const real = host.systemd.loaded(target)?.activeState ?? "not loaded";
    return pictured === real ? [] : [`${target} of ${host.name} is ${real}, but pictured as ${pictured}`];
  }

  #watch(): void {
    // What still reaches the controller before is nobody's picture any more.
    this.picture = new Picture();
    this.#watching = this.world.controller.subscriptions.subscribe("*", targets, this.picture);
  }

  #toggle(): void {
    if (this.#watching === undefined) this.#watch();
    else {
      this.world.controller.subscriptions.unsubscribe(this.#watching);
      this.#watching = undefined;
    }
  }

  #restartController(): void {
    this.world.restartController(this.#random(2) === 0);
    if (this.#watching !== undefined) this.#watch();
  }

  /** Ends an agent and starts another in a moment, or when all is mended. */
  async #replace(host: Host, end: () => Promise<void>): Promise<void> {
    if (!host.agent) return host.boot();
    await end();
    await this.world.run(this.#random(500));
    if (this.#random(2) === 0 && !host.agent) await host.boot();
  }

  /** A node is lost for longer than it takes to be missed, in the middle of a few jobs. */
  async #blink(host: Host): Promise<void> {
    this.#jobs(host);
    await this.world.run(this.#any([0, 1, 10, 100]));
    this.world.network.lose(host.name);
    await this.world.run(this.#any([1000, 7000, 20_000]));
    this.world.network.heal(host.name);
  }

  #jobs(host: Host): void {
    for (let count = 1 + this.#random(4); count > 0; count--) this.#job(host);
  }

  /** A job by way of the controller. */
  #job(host: Host): void {
    const { controller } = this.world;
    const node = controller.nodes.get(host.name);
    const unit = this.#any(host.systemd.files.map(({ name }) => name).filter((name) => !name.includes("@.")));
    const type: JobType = this.#any(["start", "start", "stop", "restart"] as const);
    if (!node) return;
    this.world.note(`   ${type} ${unit}`);
    const asked = controller.startJob(node, type, unit, "replace").then(
      (job) => {
        const real = host.systemd.jobs.everAt(job.ticket?.job ?? "");
        if (real) this.#real.set(job, real);
        controller.jobs.handle(job, { type: "accepted" });
      },
      () => {},
    );
    this.#asked.push(asked);
  }

  /** The same by way of the host's own systemctl. */
  #local(host: Host): void {
    const sources = host.systemd.files.map(({ name }) => name).filter((name) => name.startsWith("needs-"));
    const unit = this.#any(sources);
    const type: JobType = this.#any(["start", "stop"] as const);
    this.world.note(`   systemctl ${type} ${unit}`);
    const ask = async () => {
      const client = host.systemd.connect();
      await client.startJob(type, unit, "replace").finally(() => client.close());
    };
    this.#asked.push(ask().catch(() => {}));
  }

  #any<T>(items: readonly T[]): T {
    return items[this.#random(items.length)] as T;
  }
}

test.each(seeds)("seed %d", async (seed) => {
  const chaos = new Chaos(seed);
  await chaos.boot();
  for (let step = 0; step < steps; step++) await chaos.step();
  await chaos.heal();
  const problems = chaos.problems();
  const left = await chaos.world.close();
  if (left > 0) problems.push(`${left} timers are left`);
  if (problems.length > 0) console.error(`seed ${seed}:\n${chaos.world.trace.join("\n")}`);
  expect(problems).toEqual([]);
});
