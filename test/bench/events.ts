// What happens to units of three nodes, as it is told to one who listens to all of it, and to ten.
import { controllerInterface } from "../../src/api/controller.ts";
import { monitorInterface } from "../../src/api/monitor.ts";
import { controllerName, nodePath, rootPath } from "../../src/api/names.ts";
import { nodeInterface } from "../../src/api/node.ts";
import { emptyBody } from "../../src/base/body.ts";
import { encodeBody } from "../../src/bus/marshal.ts";
import { decodeFirst } from "../../src/bus/unmarshal.ts";
import type { Host } from "../testbed/host.ts";
import { bodyOf, type Caller, prepare } from "./caller.ts";
import { runJobs } from "./load.ts";
import { cpuOf } from "./process.ts";
import { type CpuName, cpuColumns, type Part, type Row } from "./report.ts";
import { Sample, scaled, timed } from "./sample.ts";
import type { World } from "./world.ts";

const listenerCounts = [1, 10] as const;
const rounds = 2;
/** A round: so many times so many jobs on each node, as many starts as stops in each lane, as fast as is heard of them. */
const bursts = 8;
const burst = 96;

export const events: Part<World> = {
  name: "events",
  async run(world) {
    const found = new Map<number, Round[]>(listenerCounts.map((listeners) => [listeners, []]));
    for (let round = 0; round <= scaled(rounds); round++) {
      // The first round warms up.
      for (const listeners of listenerCounts) {
        const measured = await listen(world, listeners);
        if (round > 0) found.get(listeners)?.push(measured);
      }
    }
    const rows: Row[] = [];
    const cpu: Row[] = [];
    for (const [listeners, all] of found) {
      const what = `${listeners} listening`;
      const rate = new Sample(all.map(({ events, ms }) => (events * listeners * 1000) / ms)).median;
      rows.push([what, rate, mean(all, ({ events }) => events), mean(all, ({ lost }) => lost)]);
      cpu.push([what, ...(["controller", "agent", "bus", "systemd"] as const).map((name) => perThousand(all, name))]);
    }
    const [one = [], ten = []] = [...found.values()];
    const [first, all] = [perThousand(one, "controller"), perThousand(ten, "controller")];
    const agents = perThousand(one, "agent");
    const further = (all - first) / 9 / first;
    const lost = [...one, ...ten].reduce((sum, round) => sum + round.lost, 0);
    return [
      {
        title: "Events of three nodes",
        columns: ["deliveries a second", "events", "lost"],
        rows,
        checks: [
          { what: "events that did not arrive", value: lost, below: 1, unit: "" },
          { what: "1,000 events: controller", value: first / 1000, below: 24, unit: "ms" },
          { what: "1,000 events: agents", value: agents / 1000, below: 39, unit: "ms" },
          { what: "what a further listener costs", value: further, below: 0.2, unit: "times the first" },
        ],
        ratios: {
          "CPU time of the controller": first / perThousand(one, "systemd"),
          "CPU time of the agents": agents / perThousand(one, "systemd"),
        },
      },
      { title: "CPU time of 1,000 events, us", columns: cpuColumns.slice(0, 4), rows: cpu },
    ];
  },
};

/** How long is waited for the last events of a burst. */
const maxWaitMs = 5000;
const stateChanged = Buffer.from("UnitStateChanged");
const laneUnit = Buffer.from("bench-lane");

interface Round {
  /** That one listener heard of. */
  readonly events: number;
  readonly ms: number;
  /** Changes of states that somebody was not told of. */
  readonly lost: number;
  readonly cpu: Readonly<Record<CpuName, number>>;
}

const mean = (rounds: readonly Round[], of: (round: Round) => number) =>
  rounds.reduce((sum, round) => sum + of(round), 0) / rounds.length;
const perThousand = (rounds: readonly Round[], name: CpuName) =>
  mean(rounds, ({ cpu, events }) => (cpu[name] / events) * 1000);

async function listen(world: World, listeners: number): Promise<Round> {
  const { hosts } = world.cluster;
  const heard = await Promise.all(
    Array.from({ length: listeners }, async () => Ear.open(await world.caller(world.main), hosts)),
  );
  const local = await Promise.all(hosts.map((host) => world.jobs(host)));
  let expected = 0;
  let ms = 0;
  const cpu = await cpuOf(await world.meter(hosts), async () => {
    ms = await timed(async () => {
      for (let done = 0; done < bursts; done++) {
        expected += hosts.length * burst;
        const arrived = heard.map((ear) => ear.heard(expected));
        await Promise.all(local.map(({ systemd }) => runJobs(systemd, burst)));
        await Promise.race([Promise.all(arrived), Bun.sleep(maxWaitMs)]); // A limit: an event that is lost never comes.
      }
    });
    await Promise.all(heard.map((ear) => ear.caughtUp()));
  });
  world.disconnect();
  const lost = heard.reduce((sum, { states }) => sum + Math.max(0, expected - states), 0);
  return { events: heard[0]?.events ?? 0, ms, lost, cpu };
}

/** One who listens to all units of all nodes. */
export class Ear {
  events = 0;
  states = 0;
  readonly #caller: Caller;
  readonly #nodes: readonly string[];
  #wanted = 0;
  #heard: () => void = () => {};

  private constructor(caller: Caller, nodes: readonly string[]) {
    this.#caller = caller;
    this.#nodes = nodes;
    caller.onSignal = (message) => this.#hear(message);
  }

  static async open(caller: Caller, hosts: readonly Host[]): Promise<Ear> {
    const call = { destination: controllerName, path: rootPath, interface: controllerInterface.name };
    const created = await caller.call(prepare({ ...call, member: "CreateMonitor", body: emptyBody }));
    const path = String(decodeFirst(bodyOf(created, "o")));
    const ear = new Ear(
      caller,
      hosts.map(({ name }) => name),
    );
    await caller.match(`type='signal',path='${path}'`);
    const body = encodeBody("ss", ["*", "*"]);
    await caller.call(prepare({ ...call, path, interface: monitorInterface.name, member: "Subscribe", body }));
    await ear.caughtUp();
    ear.events = 0;
    ear.states = 0;
    return ear;
  }

  /** Resolves when all nodes have told what they had to tell: systemd's answer by way of a node comes after that. */
  async caughtUp(): Promise<void> {
    const call = {
      destination: controllerName,
      interface: nodeInterface.name,
      member: "GetDefaultTarget",
      body: emptyBody,
    };
    await Promise.all(this.#nodes.map((name) => this.#caller.call(prepare({ ...call, path: nodePath(name) }))));
  }

  /** Resolves when so many changes of states have been told. */
  heard(states: number): Promise<void> {
    this.#wanted = states;
    return new Promise((resolve) => {
      this.#heard = resolve;
      if (this.states >= states) resolve();
    });
  }

  #hear(message: Buffer): void {
    this.events++;
    if (message.includes(stateChanged) && message.includes(laneUnit) && ++this.states === this.#wanted) this.#heard();
  }
}
