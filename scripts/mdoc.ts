// Parts of manual pages in mdoc(7), made from the tables of the program.

import type { Access, PublicInterface } from "../src/api/access.ts";
import type { Option, Options } from "../src/base/options.ts";
import type { Setting, SettingsTable } from "../src/base/settings.ts";
import type { Arguments } from "../src/bus/interface.ts";
import { type Command, optionsOf, placesOf } from "../src/roles/ctl/declaration.ts";
import { defaultText, explained } from "./settings-help.ts";

/** A text as lines, one for each sentence, of which none is taken for a request. */
function text(sentences: string): string[] {
  return sentences
    .replaceAll("\\", "\\e")
    .split(/(?<=[.!?]) (?=[A-Z])/)
    .map((line) => line.replace(/^[.']/, "\\&$&"));
}

const ended = (sentence: string): string => (/[.!?]$/.test(sentence) ? sentence : `${sentence}.`);

function list(items: readonly (readonly string[])[]): string[] {
  return [".Bl -tag -width Ds", ...items.flat(), ".El"];
}

/** A list of options, short and long. */
export function optionList(options: Options): string[] {
  return list(
    Object.entries(options).map(([name, option]) => [`.It ${flags(name, option)}`, ...text(ended(option.help))]),
  );
}

function flags(name: string, { short, argument }: Option): string {
  const long = `Fl -${name}${argument ? ` Ns = Ns Ar ${argument}` : ""}`;
  return short === undefined ? long : `Fl ${short}${argument ? ` Ar ${argument}` : ""} , ${long}`;
}

/** An item for a command of bluechictl, with its own options. */
export function commandItem(name: string, command: Command): string[] {
  const words = placesOf(command.args).map(({ label, required }) => (required ? `Ar ${label}` : `Oo Ar ${label} Oc`));
  const options = optionsOf(command.args);
  const own = Object.keys(options).length > 0 ? optionList(options) : [];
  return [`.It ${[`Cm ${name}`, ...words].join(" ")}`, ...text(ended(command.description)), ...own];
}

/** A list of words that choose what a program does. */
export function wordList(
  words: Readonly<Record<string, { readonly argument?: string; readonly help: string }>>,
): string[] {
  return list(
    Object.entries(words).map(([word, { argument, help }]) => [
      `.It Cm ${word}${argument ? ` Ar ${argument}` : ""}`,
      ...text(ended(help)),
    ]),
  );
}

const placeholder: Record<Exclude<Setting["kind"], "word" | "wordIfSet">, string> = {
  text: "TEXT",
  port: "PORT",
  portIfSet: "PORT",
  milliseconds: "MILLISECONDS",
  seconds: "SECONDS",
  secondsIfSet: "SECONDS",
  count: "NUMBER",
  boolean: "BOOLEAN",
  booleanIfSet: "BOOLEAN",
  list: "LIST",
  level: "LEVEL",
  target: "TARGET",
};

/** A list of settings with their defaults. */
export function settingList(settings: SettingsTable): string[] {
  return list(
    Object.entries(settings).map(([key, setting]) => {
      const value = "words" in setting ? setting.words.join("|") : placeholder[setting.kind];
      const standard = defaultText(setting);
      const last = standard === "" ? "It is not set by default." : `The default is ${standard}.`;
      return [`.It Va ${key} Ns = Ns Ar ${value}`, ...text(explained(setting)), ...text(last)];
    }),
  );
}

const emission = {
  change: "",
  const: " It never changes.",
  explicit: " GetAll leaves it out, and changes are not told.",
};

/** Who may call a method, as far as that is not everybody whom the bus lets through. */
function permission(access: Access): string {
  if (access === "read") return "";
  if (access === "owner") return " Only who has made the object may, and root.";
  if (access === "root") return " Only root may.";
  const { action, verb, owner } = access;
  return ` ${owner ? "Who has not made it" : "Who is not root"} needs ${action}, verb ${verb}.`;
}

/**
 * Lists of an interface's members.
 * @throws Error for a member that has no help.
 */
export function interfaceLists({ name, methods, signals, properties }: PublicInterface): string[] {
  const item = (head: string, member: string, help: string | undefined) => {
    if (!help) throw new Error(`${name}.${member} has no help`);
    return [`.It ${head}`, ...text(help)];
  };
  const groups = {
    Methods: Object.entries(methods).map(([member, { in: input, out, access, help }]) => {
      const answer =
        Object.keys(out).length > 0
          ? ` No -> ${typed(out)
              .map((value) => `Fa ${value}`)
              .join(" , ")}`
          : "";
      return item(`${prototype(member, input)}${answer}`, member, help && help + permission(access));
    }),
    Signals: Object.entries(signals).map(([member, { args, help }]) => item(prototype(member, args), member, help)),
    Properties: Object.entries(properties).map(([member, { type, emits, help }]) =>
      item(`Va ${member} Pq Vt ${type}`, member, help && help + emission[emits]),
    ),
  };
  return Object.entries(groups).flatMap(([title, items]) => (items.length > 0 ? [`.Ss ${title}`, ...list(items)] : []));
}

const prototype = (member: string, args: Arguments): string => ["Fn", member, ...typed(args)].join(" ");

function typed(args: Arguments): string[] {
  return Object.entries(args).map(([name, type]) => `"${type} ${name}"`);
}
