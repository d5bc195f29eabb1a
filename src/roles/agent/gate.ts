import { asFailure, ErrorName, Failure } from "../../base/failure.ts";
import { isUnitName } from "../../base/names.ts";
import type { Variant } from "../../base/signature.ts";
import { decodeFirst } from "../../bus/unmarshal.ts";
import type { Systemd } from "../../systemd/port.ts";
import type { FieldsOf, Handlers } from "../../wire/messages.ts";
import { type Asked, type Demand, demandsOf, isFree, type Knowledge } from "./demands.ts";
import { type Concern, everyUnit, type Policy } from "./policy.ts";
import { type Refusal, unitWords } from "./refusals.ts";

export interface GateParts {
  readonly systemd: Pick<Systemd, "unitProperty">;
  readonly knowledge: Knowledge;
  /** What is in force now. */
  policy(): Policy;
  /** The name of this node. */
  node(): string;
  refused(refusal: Refusal): void;
}

/**
 * Decides on what the controller asks, without asking systemd for anything while all is allowed.
 * @returns what has to be waited for, because all the names of a unit have to be known; undefined when it is allowed.
 * @throws Failure AccessDenied when the policy does not allow it; else when it makes no sense, or systemd does not answer.
 */
export type Permit = <N extends Asked>(name: N, fields: FieldsOf<N>) => Promise<unknown> | undefined;

export function gate(parts: GateParts): Permit {
  return (name, fields) => {
    const policy = parts.policy();
    if (policy.isOpen || isFree(name)) return undefined;
    const waits = demandsOf(name, fields, parts.knowledge).flatMap((demand) => judge(policy, demand, parts) ?? []);
    return waits.length === 0 ? undefined : Promise.all(waits);
  };
}

/** Handlers of what is permitted. What waits for nothing is handled in the order of arrival, as always. */
export function gated<H extends Partial<Handlers<"agent">>>(handlers: H, permit: Permit): H {
  const guarded = Object.entries(handlers).map(([name, handler]) => {
    const handle = handler as (fields: never) => unknown;
    const ask = (fields: never) => permit(name as Asked, fields)?.then(() => handle(fields)) ?? handle(fields);
    return [name, isFree(name as Asked) ? handle : ask];
  });
  return Object.fromEntries(guarded);
}

/**
 * @returns what has to be waited for, because all the names of a unit have to be known; undefined when it is allowed.
 * @throws Failure AccessDenied when the policy does not allow it.
 */
function judge(policy: Policy, asked: Demand, parts: GateParts): Promise<void> | undefined {
  // To systemd "" is the unit of who asks, and a path may end in `self`: no name of a unit means none that patterns know.
  const nameless = policy.boundsUnits && typeof asked.unit === "string" && !isUnitName(asked.unit);
  const demand: Demand = nameless ? { ...asked, unit: everyUnit } : asked;
  const check = (concern: Concern) => {
    const setting = policy.refusal(demand.anyOf, concern);
    if (setting !== undefined) throw denied(demand, setting, parts);
  };
  const { unit } = demand;
  if (typeof unit !== "string" || !policy.boundsUnits) {
    check(typeof unit === "string" ? [unit] : unit);
    return undefined;
  }
  // By another of its names it may be allowed, but not if it is denied by this one.
  if (policy.refusal(demand.anyOf, [unit]) !== "AllowUnits") check([unit]);
  return namesOf(unit, parts.systemd).then(
    (names) => check([unit, ...names]),
    (error) => {
      check([unit]);
      throw asFailure(error);
    },
  );
}

const template = /@(?=\.[a-z]+$)/;
const anyInstance = "@0";

/** All names of a unit; of a template those of all its instances, without the instance. @throws Failure of systemd. */
async function namesOf(unit: string, systemd: GateParts["systemd"]): Promise<string[]> {
  const asked = unit.replace(template, anyInstance);
  const value = decodeFirst(await systemd.unitProperty(asked, "org.freedesktop.systemd1.Unit", "Names")) as Variant;
  const names = value.value as string[];
  return asked === unit ? names : names.map((name) => name.replace(anyInstance, "@"));
}

/** Units' names are at most this long; what else the controller sends is cut off. */
const maxName = 255;

function denied({ anyOf: [verb], unit }: Demand, setting: string, parts: GateParts): Failure {
  const name = typeof unit === "string" ? unit.slice(0, maxName) : unit === everyUnit ? "*" : "";
  parts.refused({ verb, unit: name, setting });
  const text = `node ${parts.node()} does not allow '${verb}'${unitWords(name)} (${setting}= in its agent.conf)`;
  return new Failure(ErrorName.AccessDenied, text);
}
