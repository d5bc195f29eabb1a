import type { Body } from "../base/body.ts";
import type { Variant } from "../base/signature.ts";
import { decodeFirst } from "../bus/unmarshal.ts";

/** A property that is a text, of a body `a{sv}`; undefined when it is not among them. */
export function textAmong(properties: Body, name: string): string | undefined {
  return text(decodeFirst(properties), name);
}

/** Those of a unit's states that are among the properties of its Unit interface. */
export function statesOf(properties: Body): { activeState?: string; subState?: string } {
  const values = decodeFirst(properties);
  const activeState = text(values, "ActiveState");
  const subState = text(values, "SubState");
  return { ...(activeState !== undefined && { activeState }), ...(subState !== undefined && { subState }) };
}

function text(values: unknown, name: string): string | undefined {
  const value = (values as Map<string, Variant>).get(name)?.value;
  return typeof value === "string" ? value : undefined;
}
