import { type ArgsDef, defineCommand, type ParsedArgs, runCommand } from "citty";
import { type CommandLine, helpRows, type Option, type Options, optionsHelp } from "../../base/options.ts";
import type { Context } from "./context.ts";
import { Trouble } from "./trouble.ts";

/**
 * A command of bluechictl: citty's declaration of its arguments is the one place where they are written down. Words are
 * read as getopt does and checked against the declaration here, because citty lets unknown options, missing and
 * surplus words pass; it then gets them in one canonical order and hands them on with their types.
 */
export interface Command {
  readonly description: string;
  readonly args: ArgsDef;
  /** @returns the exit status. */
  run(words: readonly string[], values: CommandLine<Options>["values"], context: Context): Promise<number>;
}

/** Declares a command. The last positional argument takes any number of words when its hint ends in `...`. */
export function command<const T extends ArgsDef>(
  description: string,
  args: T,
  run: (args: ParsedArgs<T>, context: Context) => Promise<number>,
): Command {
  const declared = defineCommand({ meta: { description }, args, run: (given) => run(given.args, given.data) });
  return {
    description,
    args,
    async run(words, values, context) {
      const options = Object.entries(values)
        .filter(([name]) => name in optionsOf(args))
        .map(([name, value]) => (value === true ? `--${name}` : `--${name}=${value}`));
      const { result } = await runCommand(declared, { rawArgs: [...options, "--", ...words], data: context });
      return result as number;
    },
  };
}

/** A command that was found, its name, and the words behind that. */
export interface Found {
  readonly name: string;
  readonly command: Command;
  readonly words: readonly string[];
}

/** The command that words begin with. The name of one that belongs to a group has two words, the first of which is the group's. */
export function findCommand(
  commands: Record<string, Command>,
  [first = "", ...rest]: readonly string[],
): Found | undefined {
  const [second = "", ...others] = rest;
  for (const [name, words] of [
    [first, rest],
    [`${first} ${second}`, others],
  ] as const) {
    const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
    if (command) return { name, command, words };
  }
  return undefined;
}

/** The commands of a group by their second words; none for what is no group. */
export function groupOf(commands: Record<string, Command>, group: string): Record<string, Command> {
  const members = Object.entries(commands).filter(([name]) => name.startsWith(`${group} `));
  return Object.fromEntries(members.map(([name, command]) => [name.slice(group.length + 1), command]));
}

/** The options among a command's arguments, as getopt's table. A flag that is on by default is spelled `--no-NAME`. */
export function optionsOf(args: ArgsDef): Options {
  const options: Record<string, Option> = {};
  for (const [name, arg] of Object.entries(args)) {
    if (arg.type === "positional") continue;
    const off = arg.type === "boolean" && arg.default === true;
    options[off ? `no-${name}` : name] = {
      help: (off ? arg.negativeDescription : arg.description) ?? "",
      ...("alias" in arg && typeof arg.alias === "string" ? { short: arg.alias } : {}),
      ...(arg.type === "boolean" ? {} : { argument: arg.valueHint ?? name.toUpperCase() }),
    };
  }
  return options;
}

interface Place {
  /** Of the argument in the declaration. */
  readonly name: string;
  readonly label: string;
  readonly required: boolean;
}

/** The words that a command takes, in their order. */
export function placesOf(args: ArgsDef): Place[] {
  return Object.entries(args)
    .filter(([, arg]) => arg.type === "positional")
    .map(([name, arg]) => ({ name, label: arg.valueHint ?? name.toUpperCase(), required: arg.required === true }));
}

/**
 * Checks what was given to a command against its declaration.
 * @throws Trouble
 */
export function checkUse(
  program: string,
  { name, command }: Pick<Found, "name" | "command">,
  { words, values }: CommandLine<Options>,
  globals: Options,
): void {
  const { args } = command;
  const misused = (what: string) => new Trouble([what, usageOf(program, name, command)]);
  const places = placesOf(args);
  const many = places.at(-1)?.label.endsWith("...") ?? false;
  const fewest = places.filter((place) => place.required).length;
  if (words.length < fewest) throw misused(`Too few arguments for method ${name}`);
  if (words.length > places.length && !many) throw misused(`Too many arguments for method ${name}`);
  const known = optionsOf(args);
  const foreign = Object.keys(values).find(
    (option) => !Object.hasOwn(known, option) && !Object.hasOwn(globals, option),
  );
  if (foreign !== undefined) throw misused(`Unsupported option '${foreign}' for method '${name}'`);
}

/** The name of a command and the words it takes, optional ones in brackets. */
function synopsis(name: string, { args }: Command): string {
  const places = placesOf(args).map(({ label, required }) => (required ? label : `[${label}]`));
  return [name, ...places].join(" ");
}

function usageOf(program: string, name: string, command: Command): string {
  return `Usage: ${program} ${synopsis(name, command)} [OPTION]...`;
}

export function commandHelp(program: string, name: string, command: Command, globals: Options): string {
  const options = optionsHelp({ ...optionsOf(command.args), ...globals });
  return `${usageOf(program, name, command)}\n\n${command.description}.\n\nOptions:\n${options}`;
}

export function generalHelp(program: string, commands: Record<string, Command>, globals: Options): string {
  const rows = Object.entries(commands).map(
    ([name, command]) => [synopsis(name, command), command.description] as const,
  );
  return [
    `Usage: ${program} COMMAND [ARGUMENT]... [OPTION]...`,
    "Control the systemd units of all nodes through the BlueChi controller.",
    `Commands:\n${helpRows(rows)}`,
    `Options:\n${optionsHelp(globals)}`,
    `'${program} COMMAND --help' tells the options of a command.`,
  ].join("\n\n");
}
