/** A value and where it stands, for messages. */
export interface Entry {
  readonly value: string;
  readonly file: string;
  readonly line: number;
}

/** Sections by name, their entries by key. */
export type Ini = Map<string, Map<string, Entry>>;

/** A configuration that cannot be used; the message says what, in which file and where. */
export class ConfigurationError extends Error {}

/**
 * Parses a configuration file: sections, `key=value`, comments that begin with `#` or `;`. An indented line continues the
 * value before it, and so does a repeated key: texts are appended without a separator.
 * @param file its name, for messages.
 * @throws ConfigurationError naming file and line.
 */
export function parseIni(text: string, file: string): Ini {
  const ini: Ini = new Map();
  let section: Map<string, Entry> | undefined;
  let last: string | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trim();
    const where = { file, line: index + 1 };
    if (line === "" || line.startsWith("#") || line.startsWith(";")) continue;
    if (section && last !== undefined && /^\s/.test(raw)) {
      append(section, last, line, where);
      continue;
    }
    if (line.startsWith("[")) {
      if (!line.endsWith("]")) throw badLine(where);
      const name = line.slice(1, -1).trim();
      section = ini.get(name) ?? new Map();
      ini.set(name, section);
      last = undefined;
      continue;
    }
    const equals = line.indexOf("=");
    if (equals < 1 || !section) throw badLine(where);
    last = line.slice(0, equals).trim();
    append(section, last, line.slice(equals + 1).trim(), where);
  }
  return ini;
}

function append(section: Map<string, Entry>, key: string, text: string, where: { file: string; line: number }): void {
  const before = section.get(key);
  section.set(key, before ? { ...before, value: before.value + text } : { value: text, ...where });
}

function badLine(where: { file: string; line: number }): ConfigurationError {
  return new ConfigurationError(`Error parsing configuration file '${where.file}' on line ${where.line}`);
}

/** Lays `over` on `under`: per section and key the later one wins. */
export function mergeIni(under: Ini, over: Ini): Ini {
  const merged: Ini = new Map([...under].map(([name, entries]) => [name, new Map(entries)]));
  for (const [name, entries] of over) {
    const section = merged.get(name) ?? new Map<string, Entry>();
    for (const [key, entry] of entries) section.set(key, entry);
    merged.set(name, section);
  }
  return merged;
}
