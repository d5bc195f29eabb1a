import type { Body } from "../base/body.ts";
import { pickTexts } from "../bus/pick.ts";

/** Those of a unit's states that are among the properties, a body `a{sv}`, of its Unit interface. */
export function statesOf(properties: Body): { activeState?: string; subState?: string } {
  const { ActiveState: activeState, SubState: subState } = pickTexts(properties, ["ActiveState", "SubState"]);
  const states: { activeState?: string; subState?: string } = {};
  if (activeState !== undefined) states.activeState = activeState;
  if (subState !== undefined) states.subState = subState;
  return states;
}
