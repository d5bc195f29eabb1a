import type { Body } from "../base/body.ts";
import type { Variant } from "../base/signature.ts";
import { encodeBody } from "../bus/marshal.ts";
import type { FakeJob } from "./fake-jobs.ts";
import type { FakeUnit } from "./fake-unit.ts";

const moments = ["StateChange", "InactiveExit", "ActiveEnter", "ActiveExit", "InactiveEnter"] as const;

/** What a unit of a fake systemd has to say of itself. */
export interface Facts {
  readonly unit: FakeUnit;
  readonly job: FakeJob | undefined;
  readonly unitFileState: string;
}

/** A unit's properties on one interface, on all for "", by name. */
export function unitProperties({ unit, job, unitFileState }: Facts, interfaceName: string): Map<string, Variant> {
  const values = new Map<string, Variant>();
  const text = (name: string, value: string) => values.set(name, { signature: "s", value });
  if (interfaceName === "" || interfaceName === "org.freedesktop.systemd1.Unit") {
    text("Id", unit.name);
    text("LoadState", "loaded");
    text("ActiveState", unit.activeState);
    text("SubState", unit.subState);
    text("FreezerState", unit.frozen ? "frozen" : "running");
    text("UnitFileState", unitFileState);
    for (const moment of moments) {
      const [realtimeUs, monotonicUs] = unit.moments.get(moment) ?? [0n, 0n];
      values.set(`${moment}Timestamp`, { signature: "t", value: realtimeUs });
      values.set(`${moment}TimestampMonotonic`, { signature: "t", value: monotonicUs });
    }
    values.set("Job", { signature: "(uo)", value: job ? [job.id, job.path] : [0, "/"] });
  }
  if (interfaceName === "" || interfaceName === "org.freedesktop.systemd1.Service") {
    values.set("MainPID", { signature: "u", value: unit.subState === "running" ? 100 : 0 });
    text("Result", unit.activeState === "failed" ? "exit-code" : "success");
  }
  return values;
}

/** Properties as a body `a{sv}`. */
export function propertiesBody(values: Map<string, Variant>): Body {
  return encodeBody("a{sv}", [values]);
}
