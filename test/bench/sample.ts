// Numbers from measurements.
import { type Meter, readMeter } from "./process.ts";

/** What was measured, in one unit, smallest first. */
export class Sample {
  readonly sorted: readonly number[];

  constructor(values: readonly number[]) {
    if (values.length === 0) throw new Error("nothing was measured");
    this.sorted = [...values].sort((a, b) => a - b);
  }

  get median(): number {
    return this.at(0.5);
  }

  get p99(): number {
    return this.at(0.99);
  }

  /** The value that so many of all do not exceed. */
  at(share: number): number {
    return this.sorted[Math.max(0, Math.ceil(this.sorted.length * share) - 1)] as number;
  }
}

/** How many to make of what would be so many: SCALE=0.1 is a quick look. */
export function scaled(count: number): number {
  return Math.max(1, Math.round(count * Number(process.env.SCALE ?? 1)));
}

/** How long something takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/** Does something so many times, and returns how long each took, in milliseconds, by what was measured. */
export type Way<What extends string> = (count: number) => Promise<Readonly<Record<What, readonly number[]>>>;

/** Does something one after the other. @param once measures it, in milliseconds. */
export function oneByOne<What extends string>(once: () => Promise<Readonly<Record<What, number>>>): Way<What> {
  return async (count) => {
    const all: Partial<Record<What, number[]>> = {};
    for (let done = 0; done < count; done++) {
      for (const [what, ms] of Object.entries(await once()) as [What, number][]) {
        all[what] ??= [];
        all[what].push(ms);
      }
    }
    return all as Record<What, number[]>;
  };
}

/** Does something at once, as far as who does it goes: each takes its share of the time. */
export function atOnce(once: () => Promise<unknown>): Way<"time"> {
  return async (count) => {
    const ms = await timed(() => Promise.all(Array.from({ length: count }, once)));
    return { time: [ms / count] };
  };
}

export interface Measured<What extends string, Name extends string> {
  readonly times: Readonly<Record<What, Sample>>;
  /** CPU time that it took the meter's processes each time, in microseconds. */
  readonly cpu: Readonly<Record<Name, number>>;
}

interface Interleaving<Name extends string> {
  readonly rounds: number;
  /** How often each way does it in one round. Default 1. */
  readonly count?: number;
  readonly meter?: Meter<Name>;
}

/**
 * Measures several ways of doing the same in turn, so that what disturbs the machine meanwhile disturbs all of them; who
 * begins changes with every round. The first rounds warm up and do not count.
 */
export async function interleaved<W extends string, What extends string, Name extends string = never>(
  ways: Readonly<Record<W, Way<What>>>,
  { rounds, count = 1, meter = {} as Meter<Name> }: Interleaving<Name>,
): Promise<Record<W, Measured<What, Name>>> {
  const names = Object.keys(ways) as W[];
  const warmUp = Math.ceil(rounds / 4);
  const found = new Map(names.map((name) => [name, new Sums<What, Name>()]));
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const index of names.keys()) {
      const name = names[(index + round) % names.length] as W;
      const before = await readMeter(meter);
      const times = await ways[name](count);
      const after = await readMeter(meter);
      if (round >= warmUp) found.get(name)?.add(times, before, after);
    }
  }
  const entries = [...found].map(([name, sums]) => [name, sums.measured(rounds * count)]);
  return Object.fromEntries(entries) as Record<W, Measured<What, Name>>;
}

class Sums<What extends string, Name extends string> {
  readonly #times: Record<string, number[]> = {};
  readonly #cpu: Record<string, number> = {};

  add(times: Record<What, readonly number[]>, before: Record<Name, number>, after: Record<Name, number>): void {
    for (const [what, all] of Object.entries<readonly number[]>(times)) {
      this.#times[what] ??= [];
      this.#times[what].push(...all);
    }
    for (const name of Object.keys(before) as Name[])
      this.#cpu[name] = (this.#cpu[name] ?? 0) + after[name] - before[name];
  }

  measured(count: number): Measured<What, Name> {
    const times = Object.entries(this.#times).map(([what, all]) => [what, new Sample(all)]);
    const cpu = Object.entries(this.#cpu).map(([name, us]) => [name, us / count]);
    return { times: Object.fromEntries(times), cpu: Object.fromEntries(cpu) } as Measured<What, Name>;
  }
}
