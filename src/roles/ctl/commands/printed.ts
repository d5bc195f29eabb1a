import { stamp } from "../../../base/log.ts";

/** The day of a time in microseconds since 1970, where it is. */
export function day(us: bigint): string {
  return time(us).slice(0, "2026-11-22".length);
}

/** A time in microseconds since 1970, where it is, to the second. */
export function time(us: bigint): string {
  return stamp(new Date(Number(us / 1000n))).slice(0, "2026-11-22 10:20:30".length);
}
