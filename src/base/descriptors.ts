import { readFileSync } from "node:fs";

/** What every process may have open (RLIMIT_NOFILE), where the kernel does not say. */
const usualLimit = 1024;

/**
 * How many descriptors this process may have open. The runtime has raised the soft limit to the hard one at its start.
 * @param limits the text of /proc/self/limits (proc(5)).
 */
export function descriptorLimit(limits = readFileSync("/proc/self/limits", "utf8")): number {
  const word = /^Max open files +(\S+)/m.exec(limits)?.[1];
  return word === "unlimited" ? Number.POSITIVE_INFINITY : Number(word) || usualLimit;
}
