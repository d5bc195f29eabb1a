import { pathEncode } from "../base/names.ts";

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

/** The text that a label of an object path was made from, as sd_bus_path_decode(3) does it. */
function pathDecode(label: string): string {
  if (label === "_") return "";
  if (!label.includes("_")) return label;
  const bytes = label.replace(/_([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}
