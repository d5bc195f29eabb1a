import type { Body } from "../base/body.ts";
import { parseSingle, type Type } from "../base/signature.ts";
import { alignment, maxDepth } from "./layout.ts";
import { malformed, parsing, Reader } from "./unmarshal.ts";

/**
 * Those of the properties in a body `a{sv}` that are texts and have one of these names. Nothing is made of the others, and
 * what follows the last that is looked for is not looked at: systemd tells dozens with each change of a unit.
 * @throws Failure InconsistentMessage when the bytes up to there do not hold what the signature says.
 */
export function pickTexts<Name extends string>(properties: Body, names: readonly Name[]): { [N in Name]?: string } {
  return parsing(() => {
    if (properties.signature !== "a{sv}") throw malformed(`'${properties.signature}' where properties are due`);
    const found: { [N in Name]?: string } = {};
    const reader = new Reader(properties.bytes, true);
    const end = reader.uint32() + 8;
    let missing = names.length;
    reader.align(8);
    while (reader.at < end && missing > 0) {
      reader.align(8);
      const name = reader.oneOf(names);
      const signature = reader.signature();
      if (signature === "s" && name !== undefined) {
        found[name] = reader.text();
        missing--;
      } else {
        skip(reader, parseSingle(signature), 0);
      }
    }
    return found;
  });
}

function skip(reader: Reader, type: Type, depth: number): void {
  if (depth > maxDepth) throw malformed("containers are nested too deeply");
  switch (type.code) {
    case "s":
    case "o":
      reader.take(1, reader.uint32() + 1);
      break;
    case "g":
      reader.take(1, reader.byte() + 1);
      break;
    case "v":
      skip(reader, parseSingle(reader.signature()), depth + 1);
      break;
    case "a":
      reader.array(type.element);
      break;
    case "(":
      reader.align(8);
      for (const field of type.fields) skip(reader, field, depth + 1);
      break;
    case "{":
      throw malformed("an entry without its dictionary");
    default:
      // All others lie on a boundary of their own size.
      reader.take(alignment(type), alignment(type));
  }
}
