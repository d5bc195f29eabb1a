import type { Variant } from "../../base/signature.ts";
import { decodeFirst } from "../../bus/unmarshal.ts";
import type { JobType, Systemd, UnitState } from "../../systemd/port.ts";

/** What a unit has become, as far as it tells how a job of it ended. */
export interface Aftermath extends UnitState {
  /** When the unit left inactive last, in microseconds of CLOCK_MONOTONIC; 0 for never. */
  readonly leftInactiveUs: bigint;
}

/**
 * The result of a job whose end nobody heard, by what its unit has become since: systemd keeps no record of jobs that
 * have ended (org.freedesktop.systemd1(5)).
 * @param startedUs when the job was queued, in microseconds of CLOCK_MONOTONIC.
 * @returns undefined when the unit does not tell.
 */
export function verdict(type: JobType, unit: Aftermath, startedUs: bigint): string | undefined {
  const { activeState, subState } = unit;
  const ranSince = unit.leftInactiveUs >= startedUs;
  switch (type) {
    case "stop":
      return activeState === "inactive" || activeState === "failed" ? "done" : "canceled";
    case "reload":
      return undefined;
    case "start":
    case "restart":
      if (activeState === "failed" || subState === "auto-restart") return "failed";
      if (activeState === "active" || activeState === "reloading") {
        return type === "start" || ranSince ? "done" : "canceled";
      }
      if (activeState === "activating") return "canceled";
      // It ran to its end, as a oneshot does; one that did not run may have been cancelled, or lacked what it needs.
      return ranSince ? "done" : undefined;
  }
}

/**
 * Judges a job whose end nobody heard. What cannot be known is `failed`: nobody shall rely on what may not have happened.
 * @returns the result, and why it is that one. @throws Failure when systemd does not answer.
 */
export async function judgeJob(
  systemd: Pick<Systemd, "unitState" | "unitProperty">,
  type: JobType,
  unit: string,
  startedUs: bigint,
): Promise<{ result: string; why: string }> {
  const state = await systemd.unitState(unit);
  const leftInactiveUs = state.loaded ? await leftInactive(systemd, unit) : 0n;
  const result = verdict(type, { ...state, leftInactiveUs }, startedUs);
  const now = `the unit is ${state.activeState} (${state.subState}) now`;
  return result === undefined
    ? { result: "failed", why: `its end was not seen, and cannot be told from the unit: ${now}` }
    : { result, why: `its end was not seen, but ${now}` };
}

async function leftInactive(systemd: Pick<Systemd, "unitProperty">, unit: string): Promise<bigint> {
  const property = "InactiveExitTimestampMonotonic";
  const value = decodeFirst(await systemd.unitProperty(unit, "org.freedesktop.systemd1.Unit", property)) as Variant;
  return typeof value.value === "bigint" ? value.value : 0n;
}
