/**
 * A label of an object path made from any text, as sd_bus_path_encode(3) does it: letters and digits stay (a digit not
 * in front), every other byte becomes `_XX`, the empty text becomes `_`.
 */
export function pathEncode(text: string): string {
  if (text === "") return "_";
  // One character for each byte of the text in UTF-8.
  const bytes = /[^\0-\x7f]/.test(text) ? Buffer.from(text).toString("latin1") : text;
  return bytes.replace(/^[0-9]|[^A-Za-z0-9]/g, escaped);
}

/** How each byte is written that may not stand in a label, once it has been asked for. */
const escapes: string[] = [];

function escaped(char: string): string {
  const byte = char.charCodeAt(0);
  escapes[byte] ??= `_${byte.toString(16).padStart(2, "0")}`;
  return escapes[byte];
}

/** The text that a label of an object path was made from, as sd_bus_path_decode(3) does it. */
export function pathDecode(label: string): string {
  if (label === "_") return "";
  if (!label.includes("_")) return label;
  const bytes = label.replace(/_([0-9a-fA-F]{2})/g, (_, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)));
  return Buffer.from(bytes, "latin1").toString();
}

/** A name of this set of characters and the suffix of a unit type (systemd.unit(5)). */
const unitName = /^[A-Za-z0-9:_.\\@-]+\.(service|socket|device|mount|automount|swap|target|path|timer|slice|scope)$/;
const maxUnitName = 255;

/** Whether systemd would take this for the name of a unit. */
export function isUnitName(name: string): boolean {
  return name.length <= maxUnitName && unitName.test(name);
}

/** The unit that stands, on the target's node, for those on other nodes that need `unit`. */
export function dependencyUnit(unit: string): string {
  return `bluechi-dep@${unit}`;
}

/**
 * What a proxy unit stands for: the node up to the first `_` of the instance, and the unit after it, always a service.
 * @param instance what comes after `bluechi-proxy@`, with `.service`.
 * @returns undefined when there is no `_`, or one of the two is empty.
 */
export function proxyTarget(instance: string): { node: string; unit: string } | undefined {
  const split = instance.indexOf("_");
  if (split < 1 || split === instance.length - 1) return undefined;
  return { node: instance.slice(0, split), unit: instance.slice(split + 1) };
}
