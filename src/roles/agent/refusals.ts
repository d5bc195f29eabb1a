import type { Clock } from "../../base/clock.ts";
import type { Log } from "../../base/log.ts";
import { Rationed } from "../../base/rationed.ts";

/** What the policy has refused the controller. */
export interface Refusal {
  readonly verb: string;
  /** The unit by the name that the controller gave it, `*` for every unit, "" for none. */
  readonly unit: string;
  /** The setting that says so. */
  readonly setting: string;
}

/** What finds refusals in the journal: `journalctl MESSAGE_ID=...`. */
export const refusalMessageId = "5f0e4dc2b8a94ad0a9c1b5f2b7e3d810";

/** A unit as it follows a verb. */
export const unitWords = (unit: string): string => (unit === "" ? "" : ` on ${unit === "*" ? "all units" : unit}`);

/** Has refusals written down: of each verb one in a period, and how many more there were. */
export function refusalsIn(log: Log, clock: Clock, node: () => string): (refusal: Refusal) => void {
  const rationed = new Rationed<Refusal>((text, refusal) => {
    const named = refusal && { BLUECHI_VERB: refusal.verb, BLUECHI_UNIT: refusal.unit };
    log.audit(text, { MESSAGE_ID: refusalMessageId, BLUECHI_NODE: node(), ...named, BLUECHI_RESULT: "denied" });
  }, clock);
  return (refusal) => {
    const { verb, unit, setting } = refusal;
    rationed.say(verb, `The controller is refused '${verb}'${unitWords(unit)} (${setting}=)`, refusal);
  };
}
