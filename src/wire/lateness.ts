import type { Clock, Timer } from "../base/clock.ts";

/**
 * A timer that fires this much too late says that we slept, not the peer (a busy or stopped process, a suspended machine):
 * what the peer sent may still wait to be read.
 */
const lateMs = 50;
/** What is given at a time, and in all. */
const maxMoreMs = 1000;
const maxGivenMs = 30_000;

/**
 * How many ms more a silent peer gets, as it is not known to be silent while we are behind: 0 when we are not.
 * @param tooLateMs how late we come to look at it.
 * @param givenMs what it has got in this silence.
 */
export function moreTime(tooLateMs: number, givenMs: number): number {
  return tooLateMs < lateMs ? 0 : Math.min(tooLateMs, maxMoreMs, maxGivenMs - givenMs);
}

/** Calls `fire` when a peer has said nothing for `delayMs`, and we were there to hear it; until it is cancelled. */
export function whenSilent(clock: Clock, delayMs: number, fire: () => void): Timer {
  let givenMs = 0;
  const wait = (ms: number): Timer => {
    const dueMs = clock.monotonicMs() + ms;
    return clock.after(ms, () => {
      const moreMs = moreTime(clock.monotonicMs() - dueMs, givenMs);
      givenMs += moreMs;
      if (moreMs > 0) timer = wait(moreMs);
      else fire();
    });
  };
  let timer = wait(delayMs);
  return { cancel: () => timer.cancel() };
}
