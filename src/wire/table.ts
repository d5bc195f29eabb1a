import type { Body } from "../base/body.ts";
import type { ValueOf } from "../base/signature.ts";

/**
 * The type of a field: a D-Bus signature without variants and dictionaries, or `body`, a D-Bus body that passes through
 * as it came and that nobody on the way has to understand.
 */
export type FieldType = string;

/** Fields in their order on the wire. Fields are only ever appended; one that is missing at the end is zero. */
export type Fields = Record<string, FieldType>;

export type Side = "agent" | "controller";

export type Message =
  | {
      readonly kind: "request";
      readonly id: number;
      readonly from: Side;
      readonly fields: Fields;
      readonly reply: Fields;
    }
  | { readonly kind: "event"; readonly id: number; readonly from: Side; readonly fields: Fields };

type FieldValue<F extends FieldType> = F extends "body" ? Body : ValueOf<F>;
export type FieldValues<F extends Fields> = { -readonly [Name in keyof F]: FieldValue<F[Name]> };

/** A message that is answered, with a reply or a fault. */
export function request<const I extends number, S extends Side, const F extends Fields, const R extends Fields>(
  id: I,
  from: S,
  fields: F,
  reply: R,
) {
  return { kind: "request", id, from, fields, reply } as const;
}

/** A message that nobody answers. */
export function event<const I extends number, S extends Side, const F extends Fields>(id: I, from: S, fields: F) {
  return { kind: "event", id, from, fields } as const;
}
