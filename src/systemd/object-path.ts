import { pathDecode, pathEncode } from "../base/names.ts";

const unitFolder = "/org/freedesktop/systemd1/unit/";

/** systemd's object path of a unit. */
export function unitPath(unit: string): string {
  return unitFolder + pathEncode(unit);
}

/** The unit at an object path, undefined when there is none at such a path. */
export function unitAt(path: string): string | undefined {
  if (!path.startsWith(unitFolder)) return undefined;
  return pathDecode(path.slice(unitFolder.length));
}
