// One round: a cluster, a plan that is carried out under load, all mended again, and what then does not hold.
import { setTimeout as pause } from "node:timers/promises";
import { agentInterface } from "../../src/api/agent.ts";
import { agentName, rootPath } from "../../src/api/names.ts";
import { client } from "../../src/bus/client.ts";
import { Cluster } from "../e2e/cluster.ts";
import type { Host } from "../testbed/host.ts";
import { actions } from "./actions.ts";
import { ControllerEyes, SystemdEyes } from "./eyes.ts";
import {
  type Disturbance,
  dependencyProblems,
  jobProblems,
  pictureProblems,
  resultProblems,
  type States,
  watched,
} from "./judge.ts";
import { answerMs, Load } from "./load.ts";
import { plan, type Step } from "./plan.ts";
import { unitFiles } from "./units.ts";

const names = ["laptop", "pi", "nas"];

/** Jobs of a node that is away are kept for this long, and no loss goes unnoticed for longer. */
const configuration = {
  controller: "HeartbeatInterval=300\nNodeHeartbeatThreshold=1000\n",
  agent: "HeartbeatInterval=300\nControllerHeartbeatThreshold=1000\n",
};

/** How long after all was mended everything has to hold: the longest that a call, a lost job or a silent unit may take. */
const healMs = answerMs;
/** What an action has done is felt for so long after its end, in ms: a silence is noticed, a link comes back, a bus starts. */
const feltMs = 6000;
/** Descriptors that a daemon may have open beyond what it had at its start. */
const moreFiles = 4;
const pollMs = 250;

interface Verdict {
  /** What does not hold, in words. */
  readonly problems: string[];
  /** How many jobs were seen, and how many of them were done. */
  readonly jobs: number;
  readonly done: number;
  /** How long it took until everything held again after all was mended. */
  readonly healedMs: number;
}

export class Chaos {
  readonly seed: number;
  readonly #cluster: Cluster;
  readonly #eyes: ControllerEyes;
  readonly #systemds: ReadonlyMap<string, SystemdEyes>;
  readonly #disturbances: Disturbance[] = [];
  readonly #trace: string[] = [];
  /** What could not be carried out. */
  readonly #mistakes: string[] = [];
  /** What is being done to each host, one thing after the other. */
  readonly #turns = new Map<string, Promise<void>>();
  readonly #startMs = performance.now();

  private constructor(seed: number, cluster: Cluster) {
    this.seed = seed;
    this.#cluster = cluster;
    this.#eyes = new ControllerEyes(cluster.main, watched);
    this.#systemds = new Map(cluster.hosts.map((host) => [host.name, new SystemdEyes(host)]));
  }

  static async open(seed: number): Promise<Chaos> {
    const dependencies = names.map((name) => `[node ${name}]\nAllowDependenciesOn=${names.join(",")}`).join("\n");
    const controller = configuration.controller + dependencies;
    const cluster = await Cluster.start(names, { ...configuration, controller });
    const prepare = async (host: Host) => {
      for (const [name, text] of Object.entries(unitFiles(host.name, names)))
        await host.write(`/etc/systemd/system/${name}`, text);
      await host.sh("systemctl daemon-reload && systemctl enable bluechi-agent");
    };
    await Promise.all(cluster.hosts.map(prepare));
    await cluster.main.sh("systemctl enable bluechi-controller");
    return new Chaos(seed, cluster);
  }

  /** Carries out the plan of the seed, mends everything, and looks for what does not hold then. */
  async run(durationMs: number): Promise<Verdict> {
    const { hosts } = this.#cluster;
    await this.#until(async () => (this.#eyes.watches ? [] : ["there is no monitor yet"]));
    const files = await this.#files();
    const load = new Load(this.seed, hosts, this.#eyes);
    await this.#carryOut(plan(this.seed, names, actions, durationMs));
    this.#note("all is mended");
    const mendedMs = performance.now();
    const problems: string[] = [];
    const answered = load.close().then(() => true);
    if (!(await Promise.race([answered, pause(healMs, false, { ref: false })]))) problems.push("calls have no answer");
    problems.push(...(await this.#until(() => this.#problems())));
    const healedMs = performance.now() - mendedMs;
    problems.push(...(await this.#until(() => this.#growth(files))));
    const jobs = [...this.#eyes.jobs.values()];
    problems.push(...this.#mistakes, ...this.#eyes.mistakes);
    problems.push(...resultProblems(jobs, this.#systemds, this.#disturbances, this.#cluster.main.name));
    const done = jobs.filter((job) => job.ends.some(({ result }) => result === "done")).length;
    if (done === 0) problems.push("no job was done at all");
    return { problems, jobs: jobs.length, done, healedMs };
  }

  async #carryOut(steps: readonly Step[]): Promise<void> {
    const startMs = performance.now();
    const all: Promise<void>[] = [];
    for (const step of steps) {
      await pause(Math.max(0, startMs + step.atMs - performance.now()));
      all.push(this.#do(step));
    }
    await Promise.all(all);
  }

  /** Everything that happened, and what was logged. */
  async report(): Promise<string> {
    const logs = this.#cluster.hosts.map(async (host) => {
      const argv = ["journalctl", "--no-pager", "-o", "short-precise", "-u", "bluechi*", "-u", "needs-*"];
      const { stdout } = await host.run([...argv, ...watched.flatMap((unit) => ["-u", unit])]);
      return `--- ${host.name}\n${stdout}`;
    });
    return [...this.#trace, ...(await Promise.all(logs))].join("\n");
  }

  async close(): Promise<void> {
    await Promise.all([this.#eyes, ...this.#systemds.values()].map((eyes) => eyes.close()));
    await this.#cluster.close();
  }

  #note(text: string): void {
    const clock = new Date().toISOString().slice(11, -1);
    this.#trace.push(`${clock} ${((performance.now() - this.#startMs) / 1000).toFixed(3).padStart(8)} ${text}`);
  }

  /** Begins a step and sees to its end. */
  #do({ action, host: name, lastsMs }: Step): Promise<void> {
    const host = this.#cluster.host(name);
    const { begin, end } = actions[action] as (typeof actions)[string];
    const felt = { host: name, fromMs: performance.now(), toMs: Number.POSITIVE_INFINITY };
    this.#disturbances.push(felt);
    const carryOut = async (): Promise<void> => {
      await this.#turn(
        host,
        `${action} ${name}${end ? ` for ${lastsMs} ms` : ""}`,
        async () => host.isOn && begin(host),
      );
      if (!end) return;
      await pause(lastsMs);
      await this.#turn(host, `${action} ${name} ends`, () => end(host));
    };
    return carryOut().finally(() => {
      felt.toMs = performance.now() + feltMs;
    });
  }

  /** Does something to a host when all before is done. */
  #turn(host: Host, what: string, work: () => Promise<unknown>): Promise<void> {
    const before = this.#turns.get(host.name) ?? Promise.resolve();
    const turn = before.then(async () => {
      this.#note(what);
      await work().catch((error) => this.#mistakes.push(`${what}: ${error.message}`));
    });
    this.#turns.set(host.name, turn);
    return turn;
  }

  async #problems(): Promise<string[]> {
    const { hosts } = this.#cluster;
    const states = new Map<string, States>();
    for (const host of hosts) states.set(host.name, await unitStates(host));
    const { program, jobs, picture } = this.#eyes;
    if (!program || !this.#eyes.watches) return ["there is no monitor"];
    const problems = [
      ...dependencyProblems(states),
      ...pictureProblems(picture, states),
      ...jobProblems(jobs.values(), (job) => this.#eyes.stillSees(job)),
    ];
    for (const { name } of hosts) {
      const bus = this.#systemds.get(name)?.program?.bus;
      const status = [
        await program.node(name).get("Status"),
        bus && (await client(bus, agentName, rootPath, agentInterface).get("Status")),
      ];
      if (status.some((word) => word !== "online")) problems.push(`${name} is ${status.join(" and ")}`);
    }
    return problems;
  }

  /** Asks until nothing is wrong any more. @returns what still is. */
  async #until(ask: () => Promise<string[]>): Promise<string[]> {
    const endMs = performance.now() + healMs;
    let before = "";
    for (;;) {
      const problems = await ask().catch((error) => [String(error)]);
      const text = problems.join("; ");
      if (text !== before) this.#note(text || "all is well");
      before = text;
      if (problems.length === 0 || performance.now() > endMs) return problems;
      await pause(pollMs);
    }
  }

  /** How many descriptors the daemons have open. */
  async #files(): Promise<Map<string, number>> {
    const counts = new Map<string, number>();
    for (const host of this.#cluster.hosts) {
      for (const unit of host === this.#cluster.main ? ["bluechi-controller", "bluechi-agent"] : ["bluechi-agent"]) {
        const count = await host.sh(`ls /proc/$(systemctl show -P MainPID ${unit})/fd | wc -l`);
        counts.set(`${unit} of ${host.name}`, Number(count));
      }
    }
    return counts;
  }

  async #growth(before: ReadonlyMap<string, number>): Promise<string[]> {
    const now = [...(await this.#files())];
    return now.flatMap(([who, count]) => {
      const first = before.get(who) ?? 0;
      return count > first + moreFiles ? [`${who} has ${count} descriptors open, at first it had ${first}`] : [];
    });
  }
}

/** What `systemctl` says of the units that a host's systemd has loaded. */
async function unitStates(host: Host): Promise<States> {
  const text = await host.sh("systemctl list-units --all --plain --no-legend --full --type=service");
  const rows = text
    .split("\n")
    .filter(Boolean)
    .map((line) => line.split(/\s+/));
  return new Map(rows.map(([unit = "", , active = ""]) => [unit, active]));
}
