import { readFileSync } from "node:fs";

/** What tells this boot of the host from all others: the first half of its boot ID (random(4), sd_id128_get_boot(3)). */
export function bootId(): bigint {
  const hex = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").replaceAll("-", "").slice(0, 16);
  return BigInt(`0x${hex}`);
}
