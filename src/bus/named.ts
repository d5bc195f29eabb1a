import type { Body } from "../base/body.ts";
import { type Arguments, signatureOf } from "./interface.ts";
import { encodeBody } from "./marshal.ts";
import { decodeBody } from "./unmarshal.ts";

// Arguments have names in an interface's table and in our code, and an order on the bus.

/** The body of named values. @throws Failure InvalidArgs as encodeBody does. */
export function encodeNamed(types: Arguments, values: object): Body {
  const named = values as Readonly<Record<string, unknown>>;
  const inOrder: unknown[] = [];
  for (const name in types) inOrder.push(named[name]);
  return encodeBody(signatureOf(types), inOrder);
}

/** The values in a body of these types, by name. @throws Failure InconsistentMessage as decodeBody does. */
export function decodeNamed(types: Arguments, body: Body): Record<string, unknown> {
  const values = decodeBody(body);
  const named: Record<string, unknown> = {};
  let index = 0;
  for (const name in types) named[name] = values[index++];
  return named;
}
