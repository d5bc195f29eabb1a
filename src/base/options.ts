import { stderr, stdout } from "./output.ts";
import { packageVersion } from "./version.ts";

/**
 * Command line options as getopt_long(3) of GNU reads them, driven by a table: they may stand anywhere, `--` ends them,
 * short ones may be bundled, long ones abbreviated as long as that is unique, the last of several wins. Its words for
 * mistakes are getopt's own.
 */
export interface Option {
  /** One character. */
  readonly short?: string;
  /** What the option's argument is called in the help; an option without it is a flag. */
  readonly argument?: string;
  readonly help: string;
}

/** Options by their long names. */
export type Options = Readonly<Record<string, Option>>;

/** The text of an option that takes an argument, `true` for a flag that was given. */
export type OptionValues<O extends Options> = {
  [Name in keyof O]?: O[Name] extends { argument: string } ? string : true;
};

export interface CommandLine<O extends Options> {
  readonly values: OptionValues<O>;
  /** What is neither an option nor an option's argument, in order. */
  readonly words: string[];
}

/** A mistake of the caller; the message is a whole line, with the program's name where getopt has it. */
export class UsageError extends Error {}

/**
 * Sorts words into options and the rest.
 * @param program the name in front of getopt's messages.
 * @throws UsageError
 */
export function parseOptions<const O extends Options>(
  program: string,
  argv: readonly string[],
  options: O,
): CommandLine<O> {
  const values: Record<string, string | true> = {};
  const words: string[] = [];
  const queue = [...argv];
  for (let word = queue.shift(); word !== undefined; word = queue.shift()) {
    if (word === "--") words.push(...queue.splice(0));
    else if (word.startsWith("--")) readLong(program, word.slice(2), queue, options, values);
    else if (word.startsWith("-") && word !== "-") readShort(program, word.slice(1), queue, options, values);
    else words.push(word);
  }
  return { values: values as OptionValues<O>, words };
}

function readLong(
  program: string,
  text: string,
  queue: string[],
  options: Options,
  values: Record<string, string | true>,
): void {
  const equals = text.indexOf("=");
  const given = equals < 0 ? text : text.slice(0, equals);
  const name = completeName(program, given, text, options);
  if (options[name]?.argument === undefined) {
    if (equals >= 0) throw new UsageError(`${program}: option '--${name}' doesn't allow an argument`);
    values[name] = true;
    return;
  }
  const argument = equals < 0 ? queue.shift() : text.slice(equals + 1);
  if (argument === undefined) throw new UsageError(`${program}: option '--${name}' requires an argument`);
  values[name] = argument;
}

function completeName(program: string, given: string, text: string, options: Options): string {
  if (Object.hasOwn(options, given)) return given;
  const [name, ...others] = Object.keys(options).filter((candidate) => candidate.startsWith(given));
  if (name === undefined) throw new UsageError(`${program}: unrecognized option '--${text}'`);
  if (others.length === 0) return name;
  const candidates = [name, ...others].map((candidate) => ` '--${candidate}'`).join("");
  throw new UsageError(`${program}: option '--${text}' is ambiguous; possibilities:${candidates}`);
}

function readShort(
  program: string,
  letters: string,
  queue: string[],
  options: Options,
  values: Record<string, string | true>,
): void {
  const characters = [...letters];
  for (const [index, letter] of characters.entries()) {
    const found = Object.entries(options).find(([, option]) => option.short === letter);
    if (!found) throw new UsageError(`${program}: invalid option -- '${letter}'`);
    const [name, { argument }] = found;
    if (argument === undefined) {
      values[name] = true;
      continue;
    }
    // What follows in the same word is the argument, else the next word is.
    const value = characters.slice(index + 1).join("") || queue.shift();
    if (value === undefined) throw new UsageError(`${program}: option requires an argument -- '${letter}'`);
    values[name] = value;
    return;
  }
}

/** A line of help for each option, aligned. */
export function optionsHelp(options: Options): string {
  const rows = Object.entries(options).map(([name, option]) => {
    const short = option.short === undefined ? "    " : `-${option.short}, `;
    const argument = option.argument === undefined ? "" : `=${option.argument}`;
    return [`${short}--${name}${argument}`, option.help] as const;
  });
  return helpRows(rows);
}

/** Names, each with what it is for, in two columns. */
export function helpRows(rows: readonly (readonly [name: string, help: string])[]): string {
  const width = Math.max(0, ...rows.map(([name]) => name.length));
  return rows.map(([name, help]) => `  ${name.padEnd(width)}  ${help}`.trimEnd()).join("\n");
}

/** The two options that every daemon has. */
export const commonOptions = {
  help: { short: "h", help: "Show this help" },
  version: { short: "v", help: "Show the version" },
} as const satisfies Options;

/** What a program says of itself. */
export interface Program<O extends Options> {
  readonly name: string;
  /** What stands in the usage behind the name, for example `[OPTION]...`. */
  readonly synopsis: string;
  readonly summary: string;
  readonly options: O;
}

export function versionLine(name: string): string {
  return `${name} version ${packageVersion}`;
}

export function usage(program: Program<Options>): string {
  return `Usage: ${program.name} ${program.synopsis}\n\n${program.summary}\n\nOptions:\n${optionsHelp(program.options)}`;
}

/**
 * Reads the command line of a daemon. Requests for help and version, and mistakes, are answered here.
 * @returns the exit status when all is said with that.
 */
export function readCommandLine<const O extends Options>(
  program: Program<O>,
  argv: readonly string[],
): CommandLine<O> | number {
  try {
    const line = parseOptions(program.name, argv, program.options);
    const { help, version } = line.values as OptionValues<typeof commonOptions>;
    if (!help && !version) return line;
    stdout.write(`${help ? usage(program) : versionLine(program.name)}\n`);
    return 0;
  } catch (thrown) {
    if (!(thrown instanceof UsageError)) throw thrown;
    stderr.write(`${thrown.message}\nUnsupported option ?\n`);
    stdout.write(`${usage(program)}\n`);
    return 1;
  }
}
