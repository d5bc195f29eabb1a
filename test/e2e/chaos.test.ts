// Anything may happen to hosts at any time, from a seed; and when all is mended, all that must hold again does. A seed that
// fails prints what happened and what was logged. SEED= is the first seed, ROUNDS= how many follow each other, DURATION= for
// how many seconds each goes on; `make test-chaos` is longer than what is done here by itself.
import { expect, test } from "bun:test";
import { Chaos } from "../chaos/chaos.ts";

const { SEED: first = "1", ROUNDS: rounds = "1", DURATION: seconds = "12" } = process.env;
const seeds = Array.from({ length: Number(rounds) }, (_, index) => Number(first) + index);
/** For the boot, and for waiting in vain until all is well again. */
const aroundMs = 200_000;

test.each(seeds)(
  "seed %d",
  async (seed) => {
    const chaos = await Chaos.open(seed);
    try {
      const { problems, jobs, done, healedMs } = await chaos.run(Number(seconds) * 1000);
      const healed = `all well again ${(healedMs / 1000).toFixed(1)} s after all was mended`;
      console.log(`SEED=${seed}: ${jobs} jobs, ${done} of them done, ${healed}`);
      if (problems.length > 0) console.error(`SEED=${seed} fails:\n${problems.join("\n")}\n${await chaos.report()}`);
      expect(problems).toEqual([]);
    } finally {
      await chaos.close();
    }
  },
  Number(seconds) * 1000 + aroundMs,
);
