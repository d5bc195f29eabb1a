// Waiting for conditions that nothing announces. Where there is an event (a line, an exit), wait for that instead.
import { setTimeout as pause } from "node:timers/promises";

const pollMs = 50;

/** How long is waited for what is sure to come: long enough for a slow machine that does much else. Only failures take it. */
export const patienceMs = 60_000;

/** Asks until the answer is truthy, and returns it. The error says what was waited for and what the last answer was. */
export async function until<T>(
  what: string,
  probe: () => T | Promise<T>,
  timeoutMs = patienceMs,
): Promise<Exclude<Awaited<T>, false | null | undefined | "">> {
  const end = performance.now() + timeoutMs;
  let last: unknown;
  do {
    try {
      const value = await probe();
      if (value) return value as Exclude<Awaited<T>, false | null | undefined | "">;
      last = value;
    } catch (error) {
      last = error;
    }
    await pause(pollMs);
  } while (performance.now() < end);
  throw new Error(
    `waited ${timeoutMs} ms for ${what}; last: ${last instanceof Error ? last.message : Bun.inspect(last)}`,
  );
}
