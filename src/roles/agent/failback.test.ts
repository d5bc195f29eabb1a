import { expect, test } from "bun:test";
import { FakeClock } from "../../base/fake-clock.ts";
import { Log } from "../../base/log.ts";
import { counted, Failback, needed } from "./failback.ts";

test.each([
  [[], [true, false], [1, 0]],
  [
    [1, 0],
    [true, true],
    [2, 1],
  ],
  [
    [4, 3],
    [false, true],
    [0, 4],
  ],
] as [number[], boolean[], number[]][])("%p, then %p answer: %p in a row", (before, answered, after) => {
  expect(counted(before, answered)).toEqual(after);
});

test.each([
  ["at first", 5, Number.POSITIVE_INFINITY, 5],
  ["after one that lasted", 40, 60_000, 5],
  ["after one that did not last", 5, 59_999, 10],
  ["after many that did not last", 160, 1000, 160],
] as [string, number, number, number][])("how many answers are needed %s", (_, before, agoMs, after) => {
  expect(needed(before, agoMs)).toBe(after);
});

function world(answers: (address: string, nowMs: number) => boolean) {
  const clock = new FakeClock();
  const asked: number[] = [];
  const failback = new Failback({
    clock,
    log: new Log({ write: () => {} }),
    intervalMs: 2000,
    random: () => 1,
    async probe(address) {
      asked.push(clock.monotonicMs());
      if (!answers(address, clock.monotonicMs())) throw new Error("nobody answers");
    },
  });
  const run = async (ms: number) => {
    const end = clock.monotonicMs() + ms;
    for (let next = clock.nextMs; next !== undefined && next <= end; next = clock.nextMs) {
      clock.advance(next - clock.monotonicMs());
      await new Promise(setImmediate);
    }
    clock.advance(end - clock.monotonicMs());
  };
  return { clock, asked, failback, run };
}

test("one that answers five times in a row is steady; one that is away is asked less and less", async () => {
  const { clock, asked, failback, run } = world((_, nowMs) => nowMs > 60_000);
  const found: string[] = [];
  failback.watch(["first"], (candidate) => found.push(`${clock.monotonicMs()} ${candidate}`));
  await run(120_000);
  const delays = asked.map((ms, index) => ms - (asked[index - 1] ?? 0));
  const [away, there] = [delays.filter((_, index) => (asked[index - 1] ?? 0) <= 60_000), delays.slice(-4)];
  expect(away).toEqual(away.toSorted((left, right) => left - right));
  expect(away.at(-1)).toBeGreaterThan(9000);
  expect(there).toEqual([2000, 2000, 2000, 2000]);
  expect(found).toEqual([`${asked.at(-1)} 0`]);
  expect(clock.pending).toBe(0);
});

test("of several the first that is steady is taken", async () => {
  const { failback, run } = world((address) => address === "second");
  const found: number[] = [];
  failback.watch(["first", "second"], (candidate) => found.push(candidate));
  await run(20_000);
  expect(found).toEqual([1]);
});

test("one that is left again and again is gone back to less and less often", async () => {
  const { clock, failback, run } = world(() => true);
  const returns: number[] = [];
  const watch = () => {
    failback.watch(["first"], () => {
      returns.push(clock.monotonicMs());
      // It is lost at once.
      watch();
    });
  };
  watch();
  await run(3_600_000);
  const delays = returns.map((ms, index) => (ms - (returns[index - 1] ?? 0)) / 1000);
  expect(delays.slice(0, 7)).toEqual([10, 20, 40, 80, 160, 320, 320]);
  failback.stop();
  expect(clock.pending).toBe(0);
});
