import { parseSingle, type Type } from "../base/signature.ts";
import type { Fields, FieldType } from "./table.ts";

/** The type of a field in the form that reader and writer walk. */
export type WireType =
  | { readonly code: "y" | "b" | "n" | "q" | "i" | "u" | "x" | "t" | "d" | "s" | "o" | "g" | "bytes" | "body" }
  | { readonly code: "list"; readonly element: WireType }
  | { readonly code: "struct"; readonly fields: readonly WireType[] };

/** The fields of a message in their order on the wire. */
export type Plan = readonly { readonly name: string; readonly type: WireType }[];

/** How deep lists and structs nest at most. Variants, which could nest at run time, never cross. */
const maxNesting = 16;

/**
 * Makes the plan of a message, or of a reply, out of its row.
 * @throws Error when a type cannot cross the wire: a mistake in the table.
 */
export function planOf(fields: Fields): Plan {
  return Object.entries(fields).map(([name, type]) => ({ name, type: wireType(type) }));
}

function wireType(type: FieldType): WireType {
  return type === "body" ? { code: type } : narrow(parseSingle(type), type, 0);
}

function narrow(type: Type, text: string, depth: number): WireType {
  if (depth > maxNesting) throw new Error(`'${text}' nests deeper than ${maxNesting}`);
  switch (type.code) {
    case "v":
    case "{":
    case "h":
      throw new Error(`'${type.code}' in '${text}' cannot cross the wire`);
    case "a":
      if (type.element.code === "y") return { code: "bytes" };
      return { code: "list", element: narrow(type.element, text, depth + 1) };
    case "(":
      return { code: "struct", fields: type.fields.map((field) => narrow(field, text, depth + 1)) };
    default:
      return { code: type.code };
  }
}
