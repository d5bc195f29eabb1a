// Numbers from measurements.

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

/** How long something takes, in milliseconds. */
export async function timed(work: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  await work();
  return performance.now() - start;
}

/**
 * Measures several ways of doing the same in turn, so that what disturbs the machine meanwhile disturbs all of them; who
 * begins changes with every round. The first rounds warm up and do not count.
 * @param ways each does it once and returns what it measured, by names.
 * @returns the samples, by what was measured and by the way.
 */
export async function inTurn<Way extends string, What extends string>(
  ways: Readonly<Record<Way, () => Promise<Readonly<Record<What, number>>>>>,
  rounds: number,
): Promise<Record<What, Record<Way, Sample>>> {
  const names = Object.keys(ways) as Way[];
  const warmUp = Math.ceil(rounds / 10);
  const values: Partial<Record<What, Record<Way, number[]>>> = {};
  for (let round = 0; round < warmUp + rounds; round++) {
    for (const index of names.keys()) {
      const name = names[(index + round) % names.length] as Way;
      const measured = await ways[name]();
      if (round < warmUp) continue;
      for (const [what, value] of Object.entries(measured) as [What, number][]) {
        values[what] ??= Object.fromEntries(names.map((way) => [way, []])) as unknown as Record<Way, number[]>;
        values[what][name].push(value);
      }
    }
  }
  return mapped(values as Record<What, Record<Way, number[]>>, (ofWays) => mapped(ofWays, (all) => new Sample(all)));
}

function mapped<Key extends string, From, To>(from: Record<Key, From>, change: (value: From) => To): Record<Key, To> {
  const entries = Object.entries<From>(from).map(([key, value]) => [key, change(value)]);
  return Object.fromEntries(entries) as Record<Key, To>;
}
