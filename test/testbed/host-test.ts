// Tests on hosts, which take longer than others, and whose failures need what the daemons logged.
import { test } from "bun:test";
import type { Lab } from "./lab.ts";
import { patienceMs } from "./until.ts";

const testTimeoutMs = 4 * patienceMs;

/** Defines the tests of a lab: when one fails, the journals of its hosts' BlueChi units are printed. */
export function testsOn(lab: Lab): (name: string, body: () => Promise<void>, timeoutMs?: number) => void {
  return (name, body, timeoutMs = testTimeoutMs) => {
    const explained = async () => {
      try {
        await body();
      } catch (error) {
        console.error(`${name} failed\n${await lab.journals()}`);
        throw error;
      }
    };
    test(name, explained, timeoutMs);
  };
}
