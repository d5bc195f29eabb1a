import { Memo } from "../base/memo.ts";
import { pathDecode, pathEncode } from "../base/names.ts";

const unitFolder = "/org/freedesktop/systemd1/unit/";

const paths = new Memo<string>();

/** systemd's object path of a unit. */
export function unitPath(unit: string): string {
  return paths.get(unit) ?? paths.keep(unit, unitFolder + pathEncode(unit));
}

/** Units by their paths: systemd tells several changes of one at a time, and each is looked at twice. */
const units = new Memo<string>();

/** The unit at an object path, undefined when there is none at such a path. */
export function unitAt(path: string): string | undefined {
  const before = units.get(path);
  if (before !== undefined || !path.startsWith(unitFolder)) return before;
  return units.keep(path, pathDecode(path.slice(unitFolder.length)));
}
